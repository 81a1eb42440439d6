using System.Formats.Tar;
using System.Globalization;
using System.IO.Compression;
using System.Text.Json;
using Workflow.Cloud.Local;
using Workflow.Cloud.Objects;
using Workflow.Data.Clustering;
using Workflow.Data.DuckDb;

namespace Workflow.App.Hosting;

/// <summary>The k-means that the stand-in for SageMaker trains and answers with: that of this process, behind the files of SageMaker's own.</summary>
internal static class LocalKMeans
{
    private const string ModelFile = "centroids.json";

    public static LocalAlgorithm Algorithm(ObjectStores stores, Scratch scratch) => new(
        (training, cancellation) => TrainAsync(stores, scratch, training, cancellation),
        (transform, cancellation) => TransformAsync(stores, scratch, transform, cancellation));

    private static async Task TrainAsync(ObjectStores stores, Scratch scratch, LocalTraining training, CancellationToken cancellation)
    {
        using var folder = scratch.CreateFolder();
        var data = await ReadAsync(stores, folder, training.Input, cancellation);
        if (data.Width != int.Parse(training.HyperParameters["feature_dim"], CultureInfo.InvariantCulture))
        {
            throw new InvalidDataException($"feature_dim is {training.HyperParameters["feature_dim"]}, and the data has {data.Width} columns");
        }

        var fit = KMeans.Fit(data, new() { Clusters = int.Parse(training.HyperParameters["k"], CultureInfo.InvariantCulture) }, cancellation);
        await File.WriteAllBytesAsync(folder.File("model", ModelFile), JsonSerializer.SerializeToUtf8Bytes(fit.Centroids), cancellation);
        await using (var packed = new GZipStream(File.Create(folder.File("model.tar.gz")), CompressionLevel.Fastest))
        {
            await TarFile.CreateFromDirectoryAsync(Path.GetDirectoryName(folder.File("model", ModelFile))!, packed, includeBaseDirectory: false, cancellation);
        }

        await stores.UploadAsync(folder.File("model.tar.gz"), ObjectAddress.Parse(training.Artifacts), WriteCondition.Always, cancellation);
    }

    private static async Task TransformAsync(ObjectStores stores, Scratch scratch, LocalTransform transform, CancellationToken cancellation)
    {
        using var folder = scratch.CreateFolder();
        var predictor = new SegmentPredictor(await ReadModelAsync(stores, folder, transform.Artifacts, cancellation));
        var data = await ReadAsync(stores, folder, transform.Input, cancellation);
        await using (var answers = new StreamWriter(folder.File("answers.jsonl")) { NewLine = "\n" })
        {
            for (var row = 0; row < data.Rows; row++)
            {
                var (segment, distance) = predictor.Predict(data.Row(row));
                await answers.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $$"""{"closest_cluster": {{segment - 1}}.0, "distance_to_cluster": {{distance:R}}}"""));
            }
        }

        await stores.UploadAsync(folder.File("answers.jsonl"), ObjectAddress.Parse(transform.Output), WriteCondition.Always, cancellation);
    }

    private static async Task<double[][]> ReadModelAsync(ObjectStores stores, ScratchFolder folder, string artifacts, CancellationToken cancellation)
    {
        await stores.DownloadAsync(ObjectAddress.Parse(artifacts), folder.File("model.tar.gz"), cancellation);
        var model = folder.File("model", ModelFile);
        await using var packed = new GZipStream(File.OpenRead(folder.File("model.tar.gz")), CompressionMode.Decompress);
        await TarFile.ExtractToDirectoryAsync(packed, Path.GetDirectoryName(model)!, overwriteFiles: true, cancellation);
        return JsonSerializer.Deserialize<double[][]>(await File.ReadAllBytesAsync(model, cancellation))!;
    }

    private static async Task<FeatureMatrix> ReadAsync(ObjectStores stores, ScratchFolder folder, string address, CancellationToken cancellation)
    {
        await stores.DownloadAsync(ObjectAddress.Parse(address), folder.File("features.csv"), cancellation);
        using var database = DuckDbDatabase.Open(new());
        using var connection = database.Connect();
        return FeatureMatrix.Read(connection, "select columns(*)::double from read_csv(?, header = false)", cancellation, folder.File("features.csv"));
    }
}
