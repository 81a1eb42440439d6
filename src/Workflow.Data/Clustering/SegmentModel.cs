using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Workflow.Data.Clustering;

/// <summary>A model as it is stored: what tells the segments apart, and by which feature rules its rows were prepared.</summary>
public sealed record SegmentModel
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    };

    /// <summary>The <see cref="FeatureRules.Version"/> of the rules.</summary>
    public required string FeatureRules { get; init; }

    /// <summary>The names of the features, in the order of the numbers of a centroid.</summary>
    public required IReadOnlyList<string> Features { get; init; }

    /// <summary>The middle of segment 1, of segment 2 …; null where the model is kept elsewhere.</summary>
    public IReadOnlyList<IReadOnlyList<double>>? Centroids { get; init; }

    /// <summary>The name of the SageMaker model that tells the clusters; null where the centroids are here.</summary>
    public string? SageMaker { get; init; }

    /// <summary>The segment of SageMaker's cluster 0, of cluster 1 …</summary>
    public IReadOnlyList<int>? SegmentOfCluster { get; init; }

    /// <summary>The rows it was trained on.</summary>
    public required long Rows { get; init; }

    public required int Clusters { get; init; }

    public int Seed { get; init; }

    public required double Inertia { get; init; }

    public required SilhouetteScore Silhouette { get; init; }

    /// <summary>What was tried to choose the number of clusters.</summary>
    public IReadOnlyList<ClusterCandidate> Candidates { get; init; } = [];

    public string ToJson() => JsonSerializer.Serialize(this, Json) + "\n";

    /// <exception cref="BadInputException">The text is not a model.</exception>
    public static SegmentModel Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<SegmentModel>(json, Json) ?? throw new JsonException("null");
        }
        catch (JsonException broken)
        {
            throw new BadInputException($"The model is not readable: {broken.Message} Train a new one.", broken);
        }
    }

    /// <exception cref="BadInputException">The model was trained with other feature rules.</exception>
    public void CheckRules(FeatureRules rules)
    {
        if (rules.Version != FeatureRules)
        {
            throw new BadInputException($"The model was trained with feature rules {FeatureRules}, and these are {rules.Version}. Put the rules back that belong to the model, or train a new one.");
        }
    }
}
