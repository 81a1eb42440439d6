using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data.Clustering;
using Workflow.Data.DuckDb;
using Workflow.Data.Postgres;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SegmentCustomers;

/// <summary>The customers of a run, and the version of the model that is to tell their segments.</summary>
internal sealed record CustomersOf(SegmentRun Run, PreparedCustomers Prepared, string? Model = null);

/// <summary>
/// Reads the users with their CRM data, sets aside the rows that cannot be, and makes features of the others: by rules that are made
/// here, or by those of the model that the run asks for.
/// </summary>
internal sealed class PrepareCustomers(ObjectStores stores, Warehouse warehouse, Scratch scratch) : TaskActivity<SegmentRun, PreparedCustomers>
{
    private static readonly CompositeFormat ReadCustomers = CompositeFormat.Parse(Sql("read_customers"));

    private static readonly Feature[] Features =
    [
        new("age", FeatureKind.Number),
        new("gender", FeatureKind.Category),
        new(SegmentObjects.Spend, FeatureKind.Number),
        new("last_purchase_date", FeatureKind.DaysBefore),
        new("product_category", FeatureKind.Category),
    ];

    public override async Task<PreparedCustomers> RunAsync(TaskActivityContext context, SegmentRun run)
    {
        var cancellation = context.CancellationToken;
        var model = await FindModelAsync(run, cancellation);
        using var folder = scratch.CreateFolder();

        // One thread, so that sums are taken in the order of the rows and the same rows make the same rules.
        using var database = DuckDbDatabase.Open(new() { Threads = 1, TempDirectory = folder.File("spill") });
        using var connection = database.Connect();
        await ReadAsync(connection, run, cancellation);

        var table = new FeatureTable(connection, "customers", run.Day);
        var rules = model?.Rules ?? table.MakeRules(Features, run.Input.Scaling, cancellation);
        var features = table.Select(rules);
        connection.ExportParquet($"select user_id, {features} from customers", folder.File("customers.parquet"), cancellation);
        await File.WriteAllTextAsync(folder.File("features.json"), rules.ToJson(), cancellation);
        return new()
        {
            Customers = await PublishAsync("customers.parquet"),
            Features = run.Input.Engine == ClusteringEngine.SageMaker ? await PublishFeaturesAsync() : null,
            FeatureCount = rules.Features.Count,
            Rules = await PublishAsync("features.json"),
            RulesVersion = rules.Version,
            Model = model?.Version,
            Counts = Count(connection, cancellation),
            QuarantineObject = await QuarantineAsync(connection, run, folder.File("quarantine.csv"), cancellation),
            Unseen = table.CountUnseen(rules, cancellation),
        };

        Task<string> PublishFeaturesAsync()
        {
            connection.ExportCsv($"select {features} from customers", folder.File("features.csv"), cancellation, header: false);
            return PublishAsync("features.csv");
        }

        Task<string> PublishAsync(string name) => stores.PublishAsync(folder.File(name), run.Prepared(name), cancellation);
    }

    private async Task<StoredModel?> FindModelAsync(SegmentRun run, CancellationToken cancellation)
    {
        if (run.Input.Model is not { } version)
        {
            return null;
        }

        var stored = await new ModelStore(stores, run.Models).LoadAsync(version, cancellation);
        var engine = stored.Model.SageMaker is null ? ClusteringEngine.InProcess : ClusteringEngine.SageMaker;
        return engine == run.Input.Engine ? stored : throw new NonRetriableException(
            $"The model {stored.Version} is one of engine {engine}, and the run is told to use {run.Input.Engine}. Set Engine to {engine}, or name another model.");
    }

    private async Task ReadAsync(DuckDbConnection connection, SegmentRun run, CancellationToken cancellation)
    {
        connection.Execute(Sql("create_read"), cancellation);
        var query = string.Format(CultureInfo.InvariantCulture, ReadCustomers, run.Input.UsersTable().Quoted, run.Input.CrmTable().Quoted);
        try
        {
            await warehouse.UseAsync(source => PostgresQuery.LoadAsync(connection, "read", source, query, cancellation), cancellation);
        }
        catch (PostgresException refused) when (DatabaseRefusal.IsFinal(refused))
        {
            throw DatabaseRefusal.Explain("The warehouse refused to be read", refused, $". Check the tables {run.Input.UsersTable()} and {run.Input.CrmTable()}.");
        }

        connection.Execute(Sql("check_customers"), cancellation, run.Day, run.Input.UsersTable().ToString());
        connection.Execute(Sql("take_customers"), cancellation);
    }

    private static CustomerCounts Count(DuckDbConnection connection, CancellationToken cancellation)
    {
        using var counts = connection.Query(Sql("count_customers"), cancellation);
        var count = counts.Rows(cancellation).Single();
        var (read, inactive, quarantined) = ((long)count[0]!, (long)count[1]!, (long)count[2]!);
        return new(read, read - inactive - quarantined, inactive, quarantined);
    }

    /// <returns>Where the rows are that were set aside; null where there are none.</returns>
    private async Task<string?> QuarantineAsync(DuckDbConnection connection, SegmentRun run, string file, CancellationToken cancellation) =>
        connection.ExportCsv(Sql("quarantine"), file, cancellation) == 0 ? null : await stores.PublishAsync(file, run.Quarantine, cancellation);

    private static string Sql(string name) => SqlText.Read($"Pipelines/SegmentCustomers/{name}.sql");
}

/// <summary>Trains a model in this process and stores it beside the rules: doing it again stores the same under the same version.</summary>
internal sealed class TrainSegments(ObjectStores stores, Scratch scratch) : TaskActivity<CustomersOf, string>
{
    public override async Task<string> RunAsync(TaskActivityContext context, CustomersOf customers)
    {
        var (cancellation, input) = (context.CancellationToken, customers.Run.Input);
        using var folder = scratch.CreateFolder();
        var rules = await stores.ReadRulesAsync(customers.Prepared, folder, cancellation);
        await stores.DownloadAsync(ObjectAddress.Parse(customers.Prepared.Customers), folder.File("customers.parquet"), cancellation);
        var data = ReadFeatures(folder.File("customers.parquet"), cancellation);
        var choice = ClusterSearch.Run(data, new() { Seed = input.Seed }, input.Clusters, input.SearchTo ?? input.Clusters, cancellation);
        var model = new SegmentModel
        {
            FeatureRules = rules.Version,
            Features = rules.Features,
            Centroids = choice.Fit.OrderedBy(rules.Features.ToList().IndexOf(SegmentObjects.Spend)).Centroids,
            Rows = data.Rows,
            Clusters = choice.Fit.Centroids.Count,
            Seed = input.Seed,
            Inertia = choice.Fit.Inertia,
            Silhouette = choice.Silhouette,
            Candidates = choice.Candidates,
        };
        return await new ModelStore(stores, customers.Run.Models).SaveAsync(rules, model, customers.Run.Day, cancellation);
    }

    private static FeatureMatrix ReadFeatures(string parquet, CancellationToken cancellation)
    {
        using var database = DuckDbDatabase.Open(new());
        using var connection = database.Connect();
        return FeatureMatrix.Read(connection, "select * exclude (user_id) from read_parquet(?)", cancellation, parquet);
    }
}

/// <summary>Tells the segments by the centroids of a stored model and publishes them, the CSV object last: who waits for it finds everything there.</summary>
internal sealed class PredictSegments(ObjectStores stores, Scratch scratch) : TaskActivity<CustomersOf, Predictions>
{
    public override async Task<Predictions> RunAsync(TaskActivityContext context, CustomersOf customers)
    {
        var cancellation = context.CancellationToken;
        var stored = await new ModelStore(stores, customers.Run.Models).LoadAsync(customers.Model!, cancellation);
        using var folder = scratch.CreateFolder();
        stored.Model.CheckRules(await stores.ReadRulesAsync(customers.Prepared, folder, cancellation));
        await stores.DownloadAsync(ObjectAddress.Parse(customers.Prepared.Customers), folder.File("customers.parquet"), cancellation);

        using var database = DuckDbDatabase.Open(new() { TempDirectory = folder.File("spill") });
        using var connection = database.Connect();
        connection.Execute(SqlText.Read("Pipelines/SegmentCustomers/create_predictions.sql"), cancellation);
        using (var reader = database.Connect())
        using (var appender = connection.Append("predictions"))
        {
            new SegmentPredictor(stored.Model.Centroids!).Predict(reader, "select * from read_parquet(?)", appender, cancellation, folder.File("customers.parquet"));
            appender.Complete();
        }

        return await stores.PublishPredictionsAsync(connection, customers.Run, stored, folder, cancellation);
    }
}

/// <summary>How the steps read from each other and publish.</summary>
internal static class SegmentObjects
{
    /// <summary>The feature that segments are numbered by.</summary>
    public const string Spend = "total_spend";

    private const int TagDigits = 8;

    /// <summary>Publishes a file under its name, or beside it where the name is taken by other content.</summary>
    /// <returns>The address.</returns>
    public static async Task<string> PublishAsync(this ObjectStores stores, string file, string address, CancellationToken cancellation)
    {
        await using var content = File.OpenRead(file);
        var tag = Convert.ToHexStringLower(await SHA256.HashDataAsync(content, cancellation))[..TagDigits];
        return (await stores.PlaceAsync(() => Task.FromResult<Stream>(File.OpenRead(file)), ObjectAddress.Parse(address), tag, cancellation)).ToString();
    }

    public static async Task<FeatureRules> ReadRulesAsync(this ObjectStores stores, PreparedCustomers prepared, ScratchFolder folder, CancellationToken cancellation)
    {
        await stores.DownloadAsync(ObjectAddress.Parse(prepared.Rules), folder.File("features.json"), cancellation);
        return FeatureRules.Parse(await File.ReadAllTextAsync(folder.File("features.json"), cancellation));
    }

    /// <param name="connection">With a table <c>predictions</c>.</param>
    public static async Task<Predictions> PublishPredictionsAsync(
        this ObjectStores stores, DuckDbConnection connection, SegmentRun run, StoredModel stored, ScratchFolder folder, CancellationToken cancellation)
    {
        const string Rows = "select user_id, segment, distance from predictions";
        var (parquet, csv) = (folder.File("segments.parquet"), folder.File("segments.csv"));
        connection.ExportParquet(Rows, parquet, cancellation);
        connection.ExportCsv(Rows, csv, cancellation);
        var counts = Enumerable.Range(1, stored.Model.Clusters).Select(segment => (long)connection.Scalar("select count(*) from predictions where segment = ?", cancellation, segment)!).ToList();
        var parquetObject = await stores.PublishAsync(parquet, run.Predictions(stored.Version, "parquet").ToString(), cancellation);
        if (run.Input.Model is null)
        {
            await new ModelStore(stores, run.Models).SetLatestAsync(stored.Version, cancellation);
        }

        var csvObject = await stores.PublishAsync(csv, run.Predictions(stored.Version, "csv").ToString(), cancellation);
        return new(csvObject, parquetObject, stored.Version, counts, stored.Model.Inertia, stored.Model.Silhouette.Value, stored.Model.Silhouette.IsSampled);
    }
}
