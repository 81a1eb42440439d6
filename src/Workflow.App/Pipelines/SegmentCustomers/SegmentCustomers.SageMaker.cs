using System.Globalization;
using Workflow.App.Hosting;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Objects;
using Workflow.Data;
using Workflow.Data.Clustering;
using Workflow.Data.DuckDb;
using Workflow.Durable;

namespace Workflow.App.Pipelines.SegmentCustomers;

internal enum SageMakerJobKind
{
    Training,
    Transform,
}

/// <summary>A look at a job.</summary>
/// <param name="Stop">It has had its time: it is told to stop, too.</param>
internal sealed record SageMakerLook(SageMakerJobKind Kind, string Name, bool Stop);

/// <summary>What a training job has left.</summary>
internal sealed record SageMakerArtifacts(SegmentRun Run, string Address);

/// <summary>Starts the training job of a run, or finds it started.</summary>
internal sealed class StartSageMakerTraining(SageMakerClient sageMaker) : TaskActivity<CustomersOf, bool>
{
    private const int LargestBatch = 5_000;

    public override async Task<bool> RunAsync(TaskActivityContext context, CustomersOf customers)
    {
        var (run, settings, rows) = (customers.Run, customers.Run.Input.SageMaker, customers.Prepared.Counts.Taken);
        if (rows < run.Input.Clusters)
        {
            throw new BadInputException($"There are fewer customers ({rows}) than the {run.Input.Clusters} clusters they should form. Ask for fewer clusters or bring more data.");
        }

        var job = new SageMakerTraining(run.SageMakerName, settings.Role, settings.Image, customers.Prepared.Features!, run.Prepared("training/"))
        {
            InstanceType = settings.InstanceType,
            MaxRuntime = settings.MaxRuntime,
            HyperParameters = new Dictionary<string, string>
            {
                ["k"] = Text(run.Input.Clusters),
                ["feature_dim"] = Text(customers.Prepared.FeatureCount),
                ["mini_batch_size"] = Text(Math.Min(LargestBatch, rows)),
                ["init_method"] = "kmeans++",
            },
        };
        await sageMaker.StartTrainingAsync(job, context.CancellationToken);
        return true;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Makes a model of what the training has left, or finds it made.</summary>
internal sealed class CreateSageMakerModel(SageMakerClient sageMaker) : TaskActivity<SageMakerArtifacts, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, SageMakerArtifacts artifacts)
    {
        var (run, settings) = (artifacts.Run, artifacts.Run.Input.SageMaker);
        await sageMaker.CreateModelAsync(run.SageMakerName, settings.Role, settings.Image, artifacts.Address, context.CancellationToken);
        return true;
    }
}

/// <summary>Starts the batch transform of a run, by its own model or the stored one it asks for, or finds it started.</summary>
internal sealed class StartSageMakerTransform(SageMakerClient sageMaker, ObjectStores stores) : TaskActivity<CustomersOf, bool>
{
    public override async Task<bool> RunAsync(TaskActivityContext context, CustomersOf customers)
    {
        var run = customers.Run;
        var model = customers.Model is { } version ? (await new ModelStore(stores, run.Models).LoadAsync(version, context.CancellationToken)).Model.SageMaker! : run.SageMakerName;
        await sageMaker.StartTransformAsync(
            new(run.SageMakerName, model, customers.Prepared.Features!, run.Prepared("transform")) { InstanceType = run.Input.SageMaker.InstanceType }, context.CancellationToken);
        return true;
    }
}

internal sealed class LookAtSageMakerJob(SageMakerClient sageMaker) : TaskActivity<SageMakerLook, SageMakerJob>
{
    public override async Task<SageMakerJob> RunAsync(TaskActivityContext context, SageMakerLook look)
    {
        var isTraining = look.Kind == SageMakerJobKind.Training;
        if (look.Stop)
        {
            await (isTraining ? sageMaker.StopTrainingAsync(look.Name, context.CancellationToken) : sageMaker.StopTransformAsync(look.Name, context.CancellationToken));
        }

        return await (isTraining ? sageMaker.DescribeTrainingAsync(look.Name, context.CancellationToken) : sageMaker.DescribeTransformAsync(look.Name, context.CancellationToken));
    }
}

/// <summary>
/// Joins SageMaker's answers back to the customers by their order, numbers the clusters by what their customers spend, stores a new model
/// with that numbering, and publishes.
/// </summary>
internal sealed class CollectSegments(ObjectStores stores, Scratch scratch) : TaskActivity<CustomersOf, Predictions>
{
    public override async Task<Predictions> RunAsync(TaskActivityContext context, CustomersOf customers)
    {
        var (cancellation, run, prepared) = (context.CancellationToken, customers.Run, customers.Prepared);
        using var folder = scratch.CreateFolder();
        var rules = await stores.ReadRulesAsync(prepared, folder, cancellation);
        await stores.DownloadAsync(ObjectAddress.Parse(prepared.Customers), folder.File("customers.parquet"), cancellation);
        var answers = ObjectAddress.Parse($"{run.Prepared("transform/")}{ObjectAddress.Parse(prepared.Features!).Name}.out");
        await stores.DownloadAsync(answers, folder.File("answers.jsonl"), cancellation);

        // One thread: rows are joined by their order.
        using var database = DuckDbDatabase.Open(new() { Threads = 1, TempDirectory = folder.File("spill") });
        using var connection = database.Connect();
        connection.Execute(Sql("join_answers"), cancellation, folder.File("customers.parquet"), folder.File("answers.jsonl"));
        CheckCount(connection, answers, cancellation);
        var stored = customers.Model is { } version
            ? await new ModelStore(stores, run.Models).LoadAsync(version, cancellation)
            : await StoreAsync(run, rules, Describe(connection, run, rules, cancellation), cancellation);
        stored.Model.CheckRules(rules);
        TakeSegments(connection, stored.Model.SegmentOfCluster!, cancellation);
        return await stores.PublishPredictionsAsync(connection, run, stored, folder, cancellation);
    }

    private static void CheckCount(DuckDbConnection connection, ObjectAddress answers, CancellationToken cancellation)
    {
        using var counted = connection.Query("select count(user_id), count(cluster) from answers", cancellation);
        if (counted.Rows(cancellation).Single() is [long customers, long answered] && customers != answered)
        {
            throw new BadInputException($"SageMaker answered for {answered} of {customers} customers in {answers}. Run again; if it stays, look at the log of the transform job.");
        }
    }

    private static SegmentModel Describe(DuckDbConnection connection, SegmentRun run, FeatureRules rules, CancellationToken cancellation)
    {
        var clusters = run.Input.Clusters;
        var features = FeatureMatrix.Read(connection, "select * exclude (user_id, cluster, distance) from answers", cancellation);
        var labels = FeatureMatrix.Read(connection, "select cluster::double from answers", cancellation);
        return new()
        {
            FeatureRules = rules.Version,
            Features = rules.Features,
            SageMaker = run.SageMakerName,
            SegmentOfCluster = Number(connection, clusters, cancellation),
            Rows = features.Rows,
            Clusters = clusters,
            Inertia = (double?)connection.Scalar("select sum(distance * distance) from answers", cancellation) ?? 0,
            Silhouette = Silhouette.Measure(features, [.. Enumerable.Range(0, labels.Rows).Select(row => (int)labels.Row(row)[0])], clusters, run.Input.Seed, cancellation),
        };
    }

    /// <summary>SageMaker numbers clusters as it likes. Those that nobody is in come last.</summary>
    /// <returns>The segment of cluster 0, of cluster 1 …</returns>
    private static int[] Number(DuckDbConnection connection, int clusters, CancellationToken cancellation)
    {
        using var bySpend = connection.Query($"select cluster from answers group by cluster order by avg({SegmentObjects.Spend}), cluster", cancellation);
        var order = bySpend.Rows(cancellation).Select(row => (int)row[0]!).ToList();
        order.AddRange(Enumerable.Range(0, clusters).Except(order));
        return [.. Enumerable.Range(0, clusters).Select(cluster => order.IndexOf(cluster) + 1)];
    }

    private async Task<StoredModel> StoreAsync(SegmentRun run, FeatureRules rules, SegmentModel model, CancellationToken cancellation) =>
        new(await new ModelStore(stores, run.Models).SaveAsync(rules, model, run.Day, cancellation), rules, model);

    private static void TakeSegments(DuckDbConnection connection, IReadOnlyList<int> segmentOfCluster, CancellationToken cancellation)
    {
        connection.Execute(Sql("create_predictions"), cancellation);
        connection.Execute("create table segment_of (cluster integer, segment integer)", cancellation);
        for (var cluster = 0; cluster < segmentOfCluster.Count; cluster++)
        {
            connection.Execute("insert into segment_of values (?, ?)", cancellation, cluster, segmentOfCluster[cluster]);
        }

        connection.Execute(Sql("take_segments"), cancellation);
    }

    private static string Sql(string name) => SqlText.Read($"Pipelines/SegmentCustomers/{name}.sql");
}
