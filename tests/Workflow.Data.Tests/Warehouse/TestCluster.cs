using System.IO.Compression;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Data.Warehouse.Redshift;
using Workflow.Testing;

namespace Workflow.Data.Tests.Warehouse;

/// <summary>
/// What stands for a cluster of Redshift, of which there is none here: PostgreSQL runs every statement but COPY, which is done here as the
/// statement says, from the objects that its manifest lists.
/// </summary>
internal sealed partial class TestCluster : IAsyncDisposable
{
    public const string Role = "arn:aws:iam::123456789012:role/workflow-redshift-copy";

    private readonly TempFolder _folder = new();
    private readonly List<string> _copies = [];

    public TestCluster(TestWarehouse warehouse)
    {
        // As the service connects: sessions are not reset, and keep their temporary tables.
        var builder = new NpgsqlDataSourceBuilder(warehouse.ConnectionString).ConfigureTypeLoading(types => types.EnableTypeLoading(false));
        builder.ConnectionStringBuilder.NoResetOnClose = true;
        Source = builder.Build();
        Staging = new(ObjectAddress.Parse("local://staging/redshift/"), Role) { Copy = CopyAsync };
    }

    public NpgsqlDataSource Source { get; }

    public RedshiftStaging Staging { get; }

    public ObjectStores Objects => new([new LocalObjectStore(_folder.File("objects"), TimeProvider.System)]);

    /// <summary>The statements, in their order.</summary>
    public IReadOnlyList<string> Copies => _copies;

    /// <summary>Copies after so many break off; null for none.</summary>
    public int? FailsAfter { get; set; }

    /// <summary>The objects that nobody has removed.</summary>
    public string[] Staged() =>
        Directory.Exists(_folder.File("objects", "staging")) ? Directory.GetFiles(_folder.File("objects", "staging"), "*", SearchOption.AllDirectories) : [];

    public async ValueTask DisposeAsync()
    {
        await Source.DisposeAsync();
        _folder.Dispose();
    }

    public async Task CopyAsync(NpgsqlConnection connection, string copy, CancellationToken cancellation)
    {
        lock (_copies)
        {
            _copies.Add(copy);
        }

        var parts = CopyFromS3().Match(copy);
        Assert.True(parts.Success, copy);
        var manifest = ObjectAddress.Parse(parts.Groups["manifest"].Value);
        await using var list = await Objects.For(manifest).OpenReadAsync(manifest, cancellation);
        using var entries = await JsonDocument.ParseAsync(list, cancellationToken: cancellation);
        await using var stage = await connection.BeginTextImportAsync($"copy {parts.Groups["table"].Value} from stdin (format csv)", cancellation);
        foreach (var entry in entries.RootElement.GetProperty("entries").EnumerateArray())
        {
            Assert.True(entry.GetProperty("mandatory").GetBoolean());
            var part = ObjectAddress.Parse(entry.GetProperty("url").GetString()!);
            await using var packed = await Objects.For(part).OpenReadAsync(part, cancellation);
            await using var rows = new GZipStream(packed, CompressionMode.Decompress);
            using var text = new StreamReader(rows);
            await stage.WriteAsync((await text.ReadToEndAsync(cancellation)).AsMemory(), cancellation);
        }

        if (_copies.Count > FailsAfter)
        {
            throw new IOException("the connection broke");
        }
    }

    [GeneratedRegex(@"\Acopy (?<table>[a-z]+_stage \([_a-z]+(, [_a-z0-9]+)+\)) from '(?<manifest>[^']+)' iam_role '[^']+' manifest format as csv gzip emptyasnull dateformat 'auto' timeformat 'auto' compupdate off statupdate off\z")]
    private static partial Regex CopyFromS3();
}
