using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Workflow.Cloud.Objects;

namespace Workflow.Data.Clustering;

/// <summary>A model with the rules that its rows are prepared by.</summary>
/// <param name="Version">Its name among the models of its pipeline.</param>
public sealed record StoredModel(string Version, FeatureRules Rules, SegmentModel Model);

/// <summary>
/// Models in an object store: <c>VERSION/features.json</c>, <c>VERSION/model.json</c>, and <c>latest.json</c>, which names the version that
/// the last complete run has made.
/// </summary>
/// <param name="folder">A prefix that ends in <c>/</c>.</param>
public sealed class ModelStore(ObjectStores stores, ObjectAddress folder)
{
    public const string Latest = "latest";

    private const int HashDigits = 12;

    /// <summary>The version of a model says its day and its content: to save it again is to write the same.</summary>
    public static string VersionOf(SegmentModel model, DateOnly day) =>
        $"{day:yyyyMMdd}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(model.ToJson())))[..HashDigits]}";

    /// <returns>The version.</returns>
    public async Task<string> SaveAsync(FeatureRules rules, SegmentModel model, DateOnly day, CancellationToken cancellation)
    {
        model.CheckRules(rules);
        var version = VersionOf(model, day);
        await WriteAsync(RulesOf(version), rules.ToJson(), cancellation);
        await WriteAsync(ModelOf(version), model.ToJson(), cancellation);
        return version;
    }

    /// <summary>Makes a version the <see cref="Latest"/>.</summary>
    public Task SetLatestAsync(string version, CancellationToken cancellation) =>
        WriteAsync(LatestPointer, JsonSerializer.Serialize(new Pointer(version), JsonSerializerOptions.Web) + "\n", cancellation);

    /// <param name="version">A version, or <see cref="Latest"/>.</param>
    /// <exception cref="ObjectNotFoundException">There is no such model.</exception>
    /// <exception cref="BadInputException">What lies there is no model, or the rules beside it are not those it was trained with.</exception>
    public async Task<StoredModel> LoadAsync(string version, CancellationToken cancellation)
    {
        if (version == Latest)
        {
            version = JsonSerializer.Deserialize<Pointer>(await ReadAsync(LatestPointer, cancellation), JsonSerializerOptions.Web)?.Version
                ?? throw new BadInputException($"{LatestPointer} names no version. Train a new model.");
        }

        var model = SegmentModel.Parse(await ReadAsync(ModelOf(version), cancellation));
        var rules = FeatureRules.Parse(await ReadAsync(RulesOf(version), cancellation));
        model.CheckRules(rules);
        return new(version, rules, model);
    }

    private ObjectAddress LatestPointer => folder.WithKey($"{folder.Key}latest.json");

    private ObjectAddress RulesOf(string version) => folder.WithKey($"{folder.Key}{version}/features.json");

    private ObjectAddress ModelOf(string version) => folder.WithKey($"{folder.Key}{version}/model.json");

    private async Task WriteAsync(ObjectAddress address, string text, CancellationToken cancellation) =>
        await stores.For(address).WriteAsync(address, new MemoryStream(Encoding.UTF8.GetBytes(text)), WriteCondition.Always, cancellation);

    private async Task<string> ReadAsync(ObjectAddress address, CancellationToken cancellation)
    {
        await using var content = await stores.For(address).OpenReadAsync(address, cancellation);
        using var reader = new StreamReader(content, Encoding.UTF8);
        return await reader.ReadToEndAsync(cancellation);
    }

    private sealed record Pointer(string? Version);
}
