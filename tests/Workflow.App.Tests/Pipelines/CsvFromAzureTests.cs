using System.Text;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Testing;

namespace Workflow.App.Tests.Pipelines;

/// <summary>csv-to-warehouse on objects in an Azure storage account.</summary>
public sealed class CsvFromAzureTests(PostgresFixture postgres, AzuriteFixture azurite)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_file_that_lands_in_a_storage_account_becomes_rows_and_moves_to_processed()
    {
        var container = new ObjectAddress("az", await azurite.CreateContainerAsync(Cancellation), "");
        var store = await azurite.CreateStoreAsync(Cancellation);
        await using var installation = await (await Installation.CreateAsync(postgres)).WithAsync(azurite);
        installation.With("users", "csv-to-warehouse", new { Table = "users", Key = "user_id" }, watch: container.WithKey("csv/").ToString());
        await installation.StartServiceAsync(ServiceRoles.Worker | ServiceRoles.Triggers);

        await store.WriteAsync(container.WithKey("csv/eu/users.csv"), new MemoryStream(Encoding.UTF8.GetBytes("user_id,name\n1,Ann\n2,Bo\n")), WriteCondition.Always, Cancellation);

        await Eventually.GetAsync(
            () => store.ListAsync(container, Cancellation).Select(found => found.Address.Key).ToListAsync(Cancellation).AsTask(),
            keys => keys is ["processed/eu/users.csv"],
            cancellation: Cancellation);
        Assert.Equal(["1|Ann", "2|Bo"], await installation.QueryAsync("select user_id, name from users order by user_id"));
        Assert.Equal([container.WithKey("csv/eu/users.csv").ToString()], await installation.QueryAsync("select source from load_ledger"));
    }
}
