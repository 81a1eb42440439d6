using System.Text.Json.Nodes;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;

namespace Workflow.App.Demo;

/// <summary>One run of the demonstration.</summary>
internal sealed record SampleRun(string Pipeline, JsonObject Input);

/// <summary>An installation to put sample data into.</summary>
internal sealed record SampleTarget(ObjectStores Objects, NpgsqlDataSource Warehouse, DataFolder Data, Uri Address)
{
    /// <returns>The address.</returns>
    public async Task<string> WriteAsync(string address, byte[] content, CancellationToken cancellation)
    {
        var to = ObjectAddress.Parse(address);
        await Objects.For(to).WriteAsync(to, new MemoryStream(content), WriteCondition.Always, cancellation);
        return address;
    }
}

/// <summary>Puts the sample data where the default pipelines look for it.</summary>
internal static class SampleInstallation
{
    /// <summary>One line per pipeline: what prepares its data and says what to run.</summary>
    private static readonly IReadOnlyList<Func<SampleTarget, CancellationToken, Task<IReadOnlyList<SampleRun>>>> Samples =
    [
        CsvToWarehouseSamples.PrepareAsync,
        IngestCheckInsSamples.PrepareAsync,
        JsonToParquetSamples.PrepareAsync,
        MergeSourcesSamples.PrepareAsync,
        OperationsToDynamoDbSamples.PrepareAsync,
        QuadraticPrimesSamples.PrepareAsync,
        OracleToWarehouseSamples.PrepareAsync,
        SegmentCustomersSamples.PrepareAsync,
        QualityGateSamples.PrepareAsync,
        SyncSalesforceSamples.PrepareAsync,
    ];

    /// <returns>What to run.</returns>
    /// <exception cref="UsageException">The databases are not the embedded ones: made-up rows have no business in others.</exception>
    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(Service service, CancellationToken cancellation)
    {
        if (service.Databases is not { Embedded: { } embedded } databases || databases.Warehouse != embedded.ConnectionString)
        {
            throw new UsageException("The samples are for the embedded database, and ConnectionStrings:Warehouse names another one. Run ./workflow serve, or pass another --data DIR.");
        }

        await using var warehouse = NpgsqlDataSource.Create(databases.Warehouse);
        var target = new SampleTarget(service.Objects, warehouse, service.Data, service.Address);
        var runs = new List<SampleRun>();
        foreach (var prepare in Samples)
        {
            runs.AddRange(await prepare(target, cancellation));
        }

        return runs;
    }
}
