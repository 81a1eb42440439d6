using System.Globalization;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Secrets;
using Workflow.Data.Merge;
using Workflow.Durable;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>Reads both sides, merges them and publishes the CSV file in one step: doing it again replaces the file by an equal one.</summary>
internal sealed class MergeIntoCsv(ObjectStores stores, LocalSecretStore secrets, Scratch scratch) : TaskActivity<MergeSourcesInput, MergeSourcesResult>
{
    public override async Task<MergeSourcesResult> RunAsync(TaskActivityContext context, MergeSourcesInput input)
    {
        var cancellation = context.CancellationToken;
        using var folder = scratch.CreateFolder();
        await using var database = await ConnectAsync(input.Secret, cancellation);
        var json = folder.File("in.json");
        await stores.DownloadAsync(ObjectAddress.Parse(input.Object!), json, cancellation);
        try
        {
            var merged = await new SourceMerge(database).RunAsync(
                new() { JsonFile = json, Table = input.Source(), Key = input.Key, Output = folder.File("out.csv"), ScratchFolder = folder.File("spill") }, cancellation);
            var written = await stores.UploadAsync(folder.File("out.csv"), ObjectAddress.Parse(input.Output), WriteCondition.Always, cancellation);
            return Describe(merged, written.Address);
        }
        catch (PostgresException refused) when (!refused.IsTransient)
        {
            throw new NonRetriableException($"The database of secret '{input.Secret}' refused to be read: {refused.MessageText} ({refused.SqlState})", refused);
        }
    }

    /// <summary>The secret's fields are those that AWS Secrets Manager keeps for a database.</summary>
    private async Task<NpgsqlDataSource> ConnectAsync(string name, CancellationToken cancellation)
    {
        var secret = await secrets.GetAsync(name, cancellation);
        if (secret.Find("engine") is { } engine && engine is not ("postgres" or "aurora-postgresql"))
        {
            throw new SecretException($"The secret '{name}' is for a database of engine '{engine}'; merge-sources reads postgres.");
        }

        var port = secret.Find("port") ?? "5432";
        return NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
        {
            Host = secret["host"],
            Port = int.TryParse(port, CultureInfo.InvariantCulture, out var number) ? number : throw new SecretException($"The field 'port' of secret '{name}' is not a number."),
            Username = secret["username"],
            Password = secret["password"],
            Database = secret["dbname"],
        });
    }

    private static MergeSourcesResult Describe(MergeResult merged, ObjectAddress written) => new()
    {
        RowsIn = merged.FileRows,
        Loaded = merged.FileRows,
        Matched = merged.Matched,
        DatabaseRows = merged.DatabaseRows,
        DatabaseOnly = merged.DatabaseOnly,
        FirstDatabaseOnly = merged.FirstDatabaseOnly,
        MoreDatabaseOnly = merged.MoreDatabaseOnly,
        Columns = merged.Columns,
        Written = written.ToString(),
    };
}
