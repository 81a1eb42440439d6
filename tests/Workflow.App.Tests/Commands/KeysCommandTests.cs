using System.Text.Json.Nodes;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Commands;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Commands;

/// <summary>Keys from the command line: without a service and without a key.</summary>
public sealed class KeysCommandTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_key_is_made_used_and_revoked_and_the_audit_knows()
    {
        await using var installation = (await Installation.CreateAsync(postgres)).With("users", "csv-to-warehouse", new { table = "users" });
        installation.WriteSettings();

        var made = await WorkflowProcess.RunAsync(installation, "keys", "create", "--name", "reports", "--role", "viewer", "--pipeline", "users", "--json");
        var key = (string)JsonNode.Parse(made.Output)!["key"]!;
        await installation.StartServiceAsync(ServiceRoles.Announced);
        using var client = new ServiceClient(installation.Address, key);
        Assert.Empty((await client.ListAsync(null, null, 1, null, TestContext.Current.CancellationToken)).Runs);

        var revoked = await WorkflowProcess.RunAsync(installation, "keys", "revoke", key[ApiKey.Prefix.Length..][..12]);
        var refused = await Assert.ThrowsAsync<ServiceException>(() => client.ListAsync(null, null, 1, null, TestContext.Current.CancellationToken));
        var audit = await WorkflowProcess.RunAsync(installation, "audit", "--json");

        Assert.Equal((0, 0, 0), (made.ExitCode, revoked.ExitCode, audit.ExitCode));
        Assert.Contains(LocalKey.Variable, refused.Message, StringComparison.Ordinal);
        var rows = JsonNode.Parse(audit.Output)!["entries"]!.AsArray();
        Assert.Equal(["workflow keys revoke Done", "workflow keys create Done"], rows.Select(row => $"{row!["action"]} {row["outcome"]}"));
        Assert.DoesNotContain(key[^20..], made.Errors + revoked.Errors + audit.Output, StringComparison.Ordinal);
    }
}
