using Workflow.App.Bookmarks;
using Workflow.App.Hosting;
using Workflow.App.Notifications;
using Workflow.App.Pipelines.CsvToWarehouse;
using Workflow.App.Pipelines.IngestCheckIns;
using Workflow.App.Pipelines.JsonToParquet;
using Workflow.App.Pipelines.MergeSources;
using Workflow.App.Pipelines.OperationsToDynamoDb;
using Workflow.App.Pipelines.OracleToWarehouse;
using Workflow.App.Pipelines.QuadraticPrimes;
using Workflow.App.Pipelines.QualityGate;
using Workflow.App.Pipelines.SegmentCustomers;
using Workflow.App.Pipelines.SyncSalesforce;
using Workflow.App.Triggers.Schedules;
using Workflow.Cloud.Aws;
using Workflow.Cloud.DynamoDb;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Cloud.Objects.S3;
using Workflow.Cloud.Outbound;
using Workflow.Cloud.Salesforce;
using Workflow.Durable;

namespace Workflow.App.Pipelines;

/// <summary>The list of what there is to run. A new kind of pipeline is one line here and one folder beside.</summary>
internal static class Pipelines
{
    public static IReadOnlyList<PipelineKind> Kinds { get; } =
    [
        new PipelineKind<CsvToWarehouse.CsvToWarehouse, CsvToWarehouseInput>(
            "csv-to-warehouse", "Loads CSV files into a table, by key.",
            activities => activities.AddActivity<FindObjects>().AddActivity<LoadCsv>().AddActivity<MoveObject>()) { TakesObjectAway = true },
        new PipelineKind<IngestCheckIns.IngestCheckIns, IngestCheckInsInput>(
            "ingest-check-ins", "Transforms, tests and loads files of check-ins.",
            activities => activities.AddActivity<TransformCheckIns>().AddActivity<TestCheckIns>().AddActivity<LoadCheckIns>()),
        new PipelineKind<JsonToParquet.JsonToParquet, JsonToParquetInput>(
            "json-to-parquet", "Turns JSON into a dataset of Parquet files and keeps the catalog up to date.",
            activities => activities.AddActivity<StageParquet>().AddActivity<PublishParquet>().AddActivity<RegisterParquet>().AddActivity<CleanParquet>().AddActivity<DiscardParquet>()
                .AddActivity<StartGlueJob>().AddActivity<WatchGlueJob>().AddActivity<StopGlueJob>()),
        new PipelineKind<MergeSources.MergeSources, MergeSourcesInput>(
            "merge-sources", "Completes a JSON file's objects from a database table and writes them as a CSV file.",
            activities => activities.AddActivity<MergeIntoCsv>()),
        new PipelineKind<OperationsToDynamoDb.OperationsToDynamoDb, OperationsToDynamoDbInput>(
            "operations-to-dynamodb", "Loads files of operation records, each once, into a DynamoDB table and the catalog.",
            activities => activities.AddActivity<TakeOperations>().AddActivity<ParseOperations>().AddActivity<LoadOperations>().AddActivity<CatalogOperations>()
                .AddActivity<FinishOperations>().AddActivity<RemoveStagedOperations>()) { KeepsBookmarks = true },
        new PipelineKind<QuadraticPrimes.QuadraticPrimes, QuadraticPrimesInput>(
            "quadratic-primes", "Searches n² + an + b for the most consecutive primes.",
            activities => activities.AddActivity<SearchRange>()) { NeedsObject = false },
        new PipelineKind<OracleToWarehouse.OracleToWarehouse, OracleToWarehouseInput>(
            "oracle-to-warehouse", "Applies what AWS DMS captured of an Oracle database, full load and changes, to tables by key.",
            activities => activities.AddActivity<FindChanges>().AddActivity<ApplyChanges>().AddActivity<LookAtReplication>().AddActivity<StartReplication>().AddActivity<ReadTableStatistics>()),
        new PipelineKind<SegmentCustomers.SegmentCustomers, SegmentCustomersInput>(
            "segment-customers", "Clusters the active customers by what they are and spend, and writes the segment of each.",
            activities => activities.AddActivity<PrepareCustomers>().AddActivity<TrainSegments>().AddActivity<PredictSegments>()
                .AddActivity<StartSageMakerTraining>().AddActivity<CreateSageMakerModel>().AddActivity<StartSageMakerTransform>()
                .AddActivity<LookAtSageMakerJob>().AddActivity<CollectSegments>()) { NeedsObject = false },
        new PipelineKind<QualityGate.QualityGate, QualityGateInput>(
            "quality-gate", "Checks the rows of an object by rules, sets the bad ones aside, and lets the good ones go on.",
            activities => activities.AddActivity<CheckQuality>()),
        new PipelineKind<SyncSalesforce.SyncSalesforce, SyncSalesforceInput>(
            "sync-salesforce", "Writes customers' segments to Salesforce's contacts, those that changed.",
            activities => activities.AddActivity<ReadSegments>().AddActivity<QueryContacts>().AddActivity<LookAtQuery>().AddActivity<MatchContacts>()
                .AddActivity<SendPart>().AddActivity<LookAtUpdate>().AddActivity<CollectResults>().AddActivity<RemoveWork>()),
    ];

    /// <summary>Each pipeline is an orchestrator under its own name; the activities of its kind are there once.</summary>
    public static void Register(DurableTaskRegistry registry, IEnumerable<Pipeline> pipelines)
    {
        registry.AddOrchestrator<Backfill>(Backfill.Name).AddActivity<FindTicks>().AddActivity<StartTick>().AddActivity<LookAtTick>();
        registry.AddActivity<Notify>().AddActivity<HadFailedBefore>().AddActivity<RecordState>().AddActivity<FindRunBefore>();
        foreach (var kind in Kinds)
        {
            kind.AddActivities(registry);
        }

        foreach (var pipeline in pipelines)
        {
            pipeline.Kind.AddOrchestrator(registry, pipeline.Name);
        }
    }

    /// <summary>What activities ask for.</summary>
    public static IServiceCollection AddPipelines(this IServiceCollection services, DataFolder data)
    {
        services.AddSingleton<Runs>().AddSingleton<RedshiftCluster>().AddSingleton<Warehouse>().AddSingleton<Scratch>();
        services.AddSingleton<IObjectStore>(provider => new LocalObjectStore(data.Objects, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IObjectStore>(provider => S3ObjectStore.FromEnvironment(
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<OutboundGuard>(), () => provider.GetRequiredService<AwsEndpoints>().Credentials));
        services.AddSingleton<ObjectStores>();
        services.AddSingleton<ILocalAwsService>(provider => new LocalSageMaker(
            data.Path, LocalKMeans.Algorithm(provider.GetRequiredService<ObjectStores>(), provider.GetRequiredService<Scratch>()), provider.GetRequiredService<TimeProvider>()));
        services.AddNotifications(data);
        services.AddDynamoDb(data).AddSingleton<StatusTable>().AddSingleton<BookmarkTable>();
        services.AddHttpClient<SalesforceClient>().ConfigureHttpClient(http => http.Timeout = Timeout.InfiniteTimeSpan).RemoveAllLoggers();
        services.AddSingleton<SalesforceTokens>().AddTransient<SalesforceLogin>();
        services.AddSingleton(provider => new LocalSalesforce(data.Path, provider.GetRequiredService<TimeProvider>()));
        return services;
    }
}
