using System.Globalization;
using System.IO.Compression;
using System.Text;
using Workflow.Data.ChangeCapture;
using Workflow.Data.DuckDb;
using Workflow.Data.Tests.Warehouse;

namespace Workflow.Data.Tests.ChangeCapture;

/// <summary>Batches of change files into the table <c>people</c> of a schema of the test's own, in PostgreSQL or what stands for a cluster of Redshift.</summary>
internal sealed class ChangeStage(TestWarehouse warehouse, TestCluster? cluster = null)
{
    public string Schema { get; init; } = warehouse.NewSchema();

    public string Quarantine { get; } = warehouse.NewPath();

    public ChangeOptions Options { get; init; } = new() { OrderColumn = "AR_H_CHANGE_SEQ" };

    public IReadOnlyList<string> Key { get; init; } = ["ID"];

    public Dictionary<string, string> Types { get; init; } = new() { ["id"] = "integer" };

    public Task<ChangeResult> ApplyAsync(params (string Name, string Text)[] files) => ApplyAsync(null, [.. files.Select(file => Source(file.Name, Encoding.UTF8.GetBytes(file.Text)))]);

    public Task<ChangeResult> ApplyAsync(Func<ChangeBatch, ChangeBatch>? change, params ChangeSource[] sources)
    {
        var scratch = Directory.CreateDirectory(warehouse.NewPath()).FullName;
        var batch = new ChangeBatch
        {
            Table = new(Schema, "people"),
            Key = Key,
            Types = Types,
            Files = sources,
            Options = Options,
            LoadKey = Guid.NewGuid().ToString(),
            ScratchFolder = scratch,
            QuarantineFile = Quarantine,
        };
        return Applier.ApplyAsync(change?.Invoke(batch) ?? batch, TestContext.Current.CancellationToken);
    }

    public ChangeApplier Applier { get; init; } = cluster is null ? new(warehouse.Source, TimeProvider.System) : new(cluster.Source, cluster.Objects, cluster.Staging, TimeProvider.System);

    /// <param name="name">Of the file, such as <c>20240301-000000001.csv</c>.</param>
    public ChangeSource Source(string name, byte[] content)
    {
        var path = warehouse.NewPath() + Path.GetExtension(name);
        File.WriteAllBytes(path, content);
        var address = $"local://dms/HR/PEOPLE/{name}";
        Assert.True(ChangeFile.TryParse(address, out var file), name);
        return new(path, address, Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(content)), file);
    }

    public Task<string[]> RowsAsync(string columns = "*") => warehouse.QueryAsync($"select {columns} from {Schema}.people order by {Key[0]}");

    public static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }

    public byte[] Parquet(string query)
    {
        var path = warehouse.NewPath();
        using var database = DuckDbDatabase.Open(new() { Threads = 1 });
        using var connection = database.Connect();
        connection.Execute($"copy ({query}) to '{path}' (format parquet)", CancellationToken.None);
        return File.ReadAllBytes(path);
    }

    /// <summary>The name of the nth file of changes.</summary>
    public static string Changes(int time) => string.Create(CultureInfo.InvariantCulture, $"20240301-{time:D9}.csv");
}
