using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Secrets;
using Workflow.Data.Merge;
using Workflow.Data.MySql;
using Workflow.Durable;

namespace Workflow.App.Pipelines.MergeSources;

/// <summary>Reads both sides, merges them and publishes the CSV file in one step: doing it again replaces the file by an equal one.</summary>
internal sealed class MergeIntoCsv(ObjectStores stores, Secrets secrets, OutboundGuard guard, Scratch scratch) : TaskActivity<MergeSourcesInput, MergeSourcesResult>
{
    public override async Task<MergeSourcesResult> RunAsync(TaskActivityContext context, MergeSourcesInput input)
    {
        var cancellation = context.CancellationToken;
        using var folder = scratch.CreateFolder();
        await stores.DownloadAsync(ObjectAddress.Parse(input.Object!), folder.File("in.json"), cancellation);
        try
        {
            var merged = await secrets.UseAsync(input.Secret, secret => MergeAsync(secret, input, folder, cancellation), SecretDatabase.IsAuthenticationFailure, cancellation);
            var written = await stores.UploadAsync(folder.File("out.csv"), ObjectAddress.Parse(input.Output), WriteCondition.Always, cancellation);
            return Describe(merged, written.Address);
        }
        catch (PostgresException refused) when (DatabaseRefusal.IsFinal(refused))
        {
            throw DatabaseRefusal.Explain($"The database of secret '{input.Secret}' refused to be read", refused);
        }
        catch (MySqlException refused) when (!refused.IsTransient)
        {
            throw new NonRetriableException($"The database of secret '{input.Secret}' refused to be read: {refused.Message} ({refused.Code})", refused);
        }
    }

    private async Task<MergeResult> MergeAsync(Secret secret, MergeSourcesInput input, ScratchFolder folder, CancellationToken cancellation)
    {
        await using var database = await SecretDatabase.OpenAsync(secret, guard, cancellation);
        return await new SourceMerge(database).RunAsync(
            new()
            {
                JsonFile = folder.File("in.json"),
                Table = new(input.Schema, input.Table ?? secret["table"]),
                Key = input.Key,
                ParallelReads = input.ParallelReads,
                Output = folder.File("out.csv"),
                ScratchFolder = folder.File("spill"),
            },
            cancellation);
    }

    private static MergeSourcesResult Describe(MergeResult merged, ObjectAddress written) => new()
    {
        RowsIn = merged.FileRows,
        Loaded = merged.FileRows,
        SourceTable = merged.Table,
        ParallelReads = merged.ParallelReads,
        ReadNote = merged.ReadNote,
        Matched = merged.Matched,
        DatabaseRows = merged.DatabaseRows,
        DatabaseOnly = merged.DatabaseOnly,
        FirstDatabaseOnly = merged.FirstDatabaseOnly,
        MoreDatabaseOnly = merged.MoreDatabaseOnly,
        Columns = merged.Columns,
        Written = written.ToString(),
    };
}
