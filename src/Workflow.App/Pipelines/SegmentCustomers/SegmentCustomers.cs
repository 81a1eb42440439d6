using System.Globalization;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;
using Workflow.Data.Clustering;
using Workflow.Data.Warehouse;

namespace Workflow.App.Pipelines.SegmentCustomers;

/// <summary>What trains the model and tells the segments.</summary>
internal enum ClusteringEngine
{
    InProcess,
    SageMaker,
}

/// <summary>Whom to segment by what, and where to; see docs/pipelines/segment-customers.md.</summary>
internal sealed record SegmentCustomersInput : PipelineInput
{
    private const int MostClusters = 100;

    public ClusteringEngine Engine { get; init; }

    public string Schema { get; init; } = "public";

    /// <summary>The table with user_id, age, gender and is_active.</summary>
    public string Users { get; init; } = "";

    /// <summary>The table with user_id, total_spend, last_purchase_date and product_category.</summary>
    public string Crm { get; init; } = "";

    /// <summary>The prefix under which everything is written.</summary>
    public string Output { get; init; } = "";

    /// <summary>The version of a stored model to predict with, or <c>latest</c>; null trains a new one.</summary>
    public string? Model { get; init; }

    /// <summary>The day that dates are days before of, as 2026-11-21; null for the day of the run, in UTC.</summary>
    public string? Date { get; init; }

    public int Clusters { get; init; } = 5;

    /// <summary>Tries every number of clusters from <see cref="Clusters"/> to this one and takes the best by silhouette; in process only.</summary>
    public int? SearchTo { get; init; }

    public int Seed { get; init; } = 42;

    public Scaling Scaling { get; init; } = Scaling.Standard;

    public SageMakerSettings SageMaker { get; init; } = new();

    public TableName UsersTable() => new(Schema, Users);

    public TableName CrmTable() => new(Schema, Crm);

    public override void Check(Func<string, string> key, SettingErrors errors)
    {
        base.Check(key, errors);
        Inputs.CheckName(nameof(Schema), Schema, "the schema of both tables", key, errors);
        Inputs.CheckName(nameof(Users), Users, "the table of the users", key, errors);
        Inputs.CheckName(nameof(Crm), Crm, "the table of the CRM data", key, errors);
        Inputs.CheckAddress(nameof(Output), Output, "local://segments/", key, errors);
        Inputs.CheckRange(nameof(Clusters), Clusters, MostClusters, key, errors);
        if (!Output.EndsWith('/'))
        {
            errors.Add(key(nameof(Output)), Output, "write a prefix that ends in /, for example local://segments/");
        }

        if (Date is not null && !DateOnly.TryParseExact(Date, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _))
        {
            errors.Add(key(nameof(Date)), Date, "write a date such as 2026-11-21");
        }

        if (SearchTo is { } most && (most < Clusters || most > MostClusters || Engine == ClusteringEngine.SageMaker))
        {
            errors.Add(key(nameof(SearchTo)), $"{most}", $"write a number from {Clusters} to {MostClusters}, with engine {ClusteringEngine.InProcess}");
        }

        if (Engine == ClusteringEngine.SageMaker)
        {
            SageMaker.Check(name => key($"{nameof(SageMaker)}:{name}"), errors);
        }
    }
}

/// <summary>What jobs on SageMaker need.</summary>
internal sealed record SageMakerSettings
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Longest = TimeSpan.FromDays(5);

    /// <summary>The ARN of the role that SageMaker reads and writes the bucket by.</summary>
    public string Role { get; init; } = "";

    /// <summary>The registry path of the k-means image in the region.</summary>
    public string Image { get; init; } = "";

    public string InstanceType { get; init; } = "ml.m5.large";

    /// <summary>How long a job may take.</summary>
    public TimeSpan MaxRuntime { get; init; } = TimeSpan.FromHours(1);

    /// <summary>How long it may take until an instance is there. A job that has not ended after this and its time is told to stop.</summary>
    public TimeSpan MaxStart { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>Between two looks at a job.</summary>
    public TimeSpan PollEvery { get; init; } = TimeSpan.FromSeconds(30);

    public void Check(Func<string, string> key, SettingErrors errors)
    {
        CheckText(nameof(Role), Role, "write the ARN of a role, for example arn:aws:iam::123456789012:role/segments");
        CheckText(nameof(Image), Image, "write the registry path of the k-means image in your region, for example 382416733822.dkr.ecr.us-east-1.amazonaws.com/kmeans:1");
        CheckText(nameof(InstanceType), InstanceType, "write an instance type such as ml.m5.large");
        CheckSpan(nameof(MaxRuntime), MaxRuntime);
        CheckSpan(nameof(MaxStart), MaxStart);
        CheckSpan(nameof(PollEvery), PollEvery);

        void CheckText(string name, string value, string right)
        {
            if (value.Length == 0)
            {
                errors.Add(key(name), null, right);
            }
        }

        void CheckSpan(string name, TimeSpan value)
        {
            if (value < Shortest || value > Longest)
            {
                errors.Add(key(name), $"{value}", $"write a time span from {Shortest:c} to {Longest:c}");
            }
        }
    }
}

/// <summary>One run: its settings, its day, and a key that names what is its own.</summary>
internal sealed record SegmentRun(string Pipeline, SegmentCustomersInput Input, DateOnly Day, string Key)
{
    // What SageMaker lets a name be long, less the key.
    private const int MostOfPipeline = 30;

    /// <summary>The name of the run's jobs and model at SageMaker: an attempt after another finds what that one has started.</summary>
    public string SageMakerName => $"{Pipeline[..Math.Min(Pipeline.Length, MostOfPipeline)].Replace('_', '-')}-{Key}".TrimStart('-');

    public string Prepared(string name) => $"{Input.Output}prepared/{Pipeline}/{Day:yyyy-MM-dd}/{Key}/{name}";

    public string Quarantine => $"{Input.Output}quarantine/{Pipeline}/{Day:yyyy-MM-dd}/{Key}.csv";

    public ObjectAddress Models => ObjectAddress.Parse($"{Input.Output}models/{Pipeline}/");

    public ObjectAddress Predictions(string version, string format) =>
        ObjectAddress.Parse($"{Input.Output}predictions/{format}/{Pipeline}/{Day:yyyy-MM-dd}/{version}.{format}");
}

/// <summary>Customers as a model takes them.</summary>
internal sealed record PreparedCustomers
{
    /// <summary>A Parquet object of user_id and the features, in the order that rows keep from here on.</summary>
    public required string Customers { get; init; }

    /// <summary>The features alone, as SageMaker reads them: a CSV object without a header. Null in process.</summary>
    public required string? Features { get; init; }

    public required int FeatureCount { get; init; }

    /// <summary>The feature rules they were made by.</summary>
    public required string Rules { get; init; }

    public required string RulesVersion { get; init; }

    /// <summary>The version of the model they were prepared for; null where one is to be trained.</summary>
    public required string? Model { get; init; }

    public required CustomerCounts Counts { get; init; }

    public required string? QuarantineObject { get; init; }

    /// <summary>Rows with a category that the model has not seen, by column.</summary>
    public required IReadOnlyDictionary<string, long> Unseen { get; init; }
}

/// <summary>Rows of the tables: <c>Read = Taken + Inactive + Quarantined</c>.</summary>
internal sealed record CustomerCounts(long Read, long Taken, long Inactive, long Quarantined);

/// <summary>The segments that were told.</summary>
/// <param name="Csv">user_id, segment, distance.</param>
/// <param name="Counts">The customers of segment 1, of segment 2 …</param>
internal sealed record Predictions(string Csv, string Parquet, string Model, IReadOnlyList<long> Counts, double Inertia, double? Silhouette, bool SilhouetteIsSampled);

/// <summary>What became of the users. Each row of the users' table, once per row that the CRM has of the user, is a row in.</summary>
internal sealed record SegmentCustomersResult : PipelineResult
{
    /// <summary>The version of the model.</summary>
    public string Model { get; init; } = "";

    /// <summary>The version of the feature rules.</summary>
    public string FeatureRules { get; init; } = "";

    public int Clusters { get; init; }

    /// <summary>The customers of segment 1, which spends least, of segment 2 …</summary>
    public IReadOnlyList<long> Segments { get; init; } = [];

    /// <summary>Of the rows that the model was trained on.</summary>
    public double Inertia { get; init; }

    /// <summary>Of the rows that the model was trained on.</summary>
    public double? Silhouette { get; init; }

    /// <summary>It was measured on a part of them.</summary>
    public bool SilhouetteIsSampled { get; init; }

    /// <summary>Rows with a category that the model has not seen, by column.</summary>
    public IReadOnlyDictionary<string, long> Unseen { get; init; } = new Dictionary<string, long>();

    public string? Parquet { get; init; }

    public static SegmentCustomersResult Of(PreparedCustomers prepared, Predictions predictions) => new()
    {
        RowsIn = prepared.Counts.Read,
        Loaded = prepared.Counts.Taken,
        Quarantined = prepared.Counts.Quarantined,
        Skipped = prepared.Counts.Inactive,
        QuarantineObject = prepared.QuarantineObject,
        Written = predictions.Csv,
        Parquet = predictions.Parquet,
        Model = predictions.Model,
        FeatureRules = prepared.RulesVersion,
        Clusters = predictions.Counts.Count,
        Segments = predictions.Counts,
        Inertia = predictions.Inertia,
        Silhouette = predictions.Silhouette,
        SilhouetteIsSampled = predictions.SilhouetteIsSampled,
        Unseen = prepared.Unseen,
    };
}
