using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Workflow.App.Configuration;
using Workflow.App.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Data;
using Workflow.Data.DuckDb;
using Workflow.Data.Quality;
using Workflow.Durable;

namespace Workflow.App.Pipelines.QualityGate;

/// <param name="Started">Of the run: the same for each attempt.</param>
internal sealed record CheckQualityInput(QualityGateInput Settings, DateTime Started);

/// <summary>
/// Reads an object, runs the rules, writes the bad rows and then, unless a rule stops it, publishes the good ones. All names are of the
/// run's time and the object's key: done again it replaces what it wrote by the same.
/// </summary>
internal sealed class CheckQuality(ObjectStores stores, Scratch scratch) : TaskActivity<CheckQualityInput, QualityGateResult>
{
    private const string MemoryLimit = "1GB";
    private const int LongestName = 60;

    public override async Task<QualityGateResult> RunAsync(TaskActivityContext context, CheckQualityInput input)
    {
        var cancellation = context.CancellationToken;
        var places = new GatePlaces(input.Settings, input.Started);
        using var folder = scratch.CreateFolder();
        var rules = await ReadRulesAsync(input.Settings, cancellation);
        using var database = DuckDbDatabase.Open(new() { MemoryLimit = MemoryLimit, TempDirectory = folder.File("spill") });
        await LoadReferencesAsync(database, input.Settings.References, folder, cancellation);
        RecordTable records;
        try
        {
            records = await LoadAsync(database, QualityRules.Table, places.Source, folder, cancellation);
        }
        catch (Exception unreadable) when (unreadable is BadInputException or ObjectNotFoundException)
        {
            return new() { Unreadable = unreadable.Message };
        }
        catch (ObjectStoreException refused)
        {
            throw new ObjectOutOfReachException(refused);
        }

        var output = Directory.CreateDirectory(folder.File("out")).FullName;
        database.Lock(output);
        var report = await QualityRules.RunAsync(database, rules, GateRules.Records, input.Started, cancellation);
        return await new GateWriter(stores, database, records, places, output).WriteAsync(report, cancellation);
    }

    private async Task<IReadOnlyList<QualityRule>> ReadRulesAsync(QualityGateInput settings, CancellationToken cancellation)
    {
        if (settings.RulesFile is not { } file)
        {
            return settings.Rules.Count > 0 ? settings.Rules : GateRules.Default;
        }

        var errors = new SettingErrors();
        var address = ObjectAddress.Parse(file);
        await using var content = await stores.For(address).OpenReadAsync(address, cancellation);
        IReadOnlyList<QualityRule> rules = [.. settings.Rules, .. SettingsReader.Read<RulesFile>(await ReadJsonAsync(content, file, cancellation), "", errors).Rules];
        foreach (var problem in GateRules.Problems(rules))
        {
            errors.Add($"Rules:{problem.Rule - settings.Rules.Count}:{problem.Setting}", problem.Value, problem.Wanted);
        }

        return errors.All.Count == 0 ? rules : throw new NonRetriableException($"The rules of {file} will not do: {string.Join("; ", errors.All)}");
    }

    /// <summary>As settings are read: comments may be there, and a number is as good as its text.</summary>
    private static async Task<JsonObject> ReadJsonAsync(Stream content, string file, CancellationToken cancellation)
    {
        using var json = new MemoryStream();
        await content.CopyToAsync(json, cancellation);
        json.Position = 0;
        try
        {
            var read = new ConfigurationBuilder().AddJsonStream(json).Build();
            var section = read.AsEnumerable().Select(setting => KeyValuePair.Create($"{nameof(RulesFile)}:{setting.Key}", setting.Value));
            return SettingsReader.ToJson(new ConfigurationBuilder().AddInMemoryCollection(section).Build().GetSection(nameof(RulesFile)));
        }
        catch (Exception wrong) when (wrong is JsonException or FormatException)
        {
            throw new NonRetriableException($"The rules file {file} is not JSON: {wrong.Message}", wrong);
        }
    }

    private async Task LoadReferencesAsync(DuckDbDatabase database, IReadOnlyList<ReferenceTable> references, ScratchFolder folder, CancellationToken cancellation)
    {
        foreach (var reference in references)
        {
            var loaded = await LoadAsync(database, reference.Name, ObjectAddress.Parse(reference.Object!), folder, cancellation);
            if (loaded.Malformed > 0)
            {
                throw new NonRetriableException(
                    $"The reference '{reference.Name}' ({reference.Object}) has {loaded.Malformed} records that cannot be read. A part of it would refuse rows that are right: deliver it again.");
            }
        }
    }

    private async Task<RecordTable> LoadAsync(DuckDbDatabase database, string table, ObjectAddress from, ScratchFolder folder, CancellationToken cancellation)
    {
        // Named as the object, because errors name the file and its name says what it is; one too long for a file system loses its beginning.
        var file = folder.File("in", Guid.NewGuid().ToString("N"), from.Name[Math.Max(0, from.Name.Length - LongestName)..]);
        await stores.DownloadAsync(from, file, cancellation);
        return await RecordTable.LoadAsync(database, table, file, cancellation);
    }

    private sealed record RulesFile
    {
        public IReadOnlyList<QualityRule> Rules { get; init; } = [];
    }
}

/// <summary>The store does not give the object to check out, which may pass.</summary>
internal sealed class ObjectOutOfReachException(ObjectStoreException refused) : Exception(refused.Message, refused);

/// <summary>Where a run reads and writes.</summary>
internal sealed class GatePlaces
{
    private readonly ObjectAddress _errors;
    private readonly DateTime _started;

    /// <exception cref="NonRetriableException">The object lies where the gate writes: what it writes would be its next object, for ever.</exception>
    public GatePlaces(QualityGateInput settings, DateTime started)
    {
        Source = ObjectAddress.Parse(settings.Object!);
        Format = settings.Format;
        _started = started;
        _errors = settings.ErrorPrefix is null ? Source.WithKey("error/") : ObjectAddress.Parse(settings.ErrorPrefix);
        var output = ObjectAddress.Parse(settings.Output);
        foreach (var written in new[] { _errors, output })
        {
            if ($"{Source}".StartsWith($"{written}", StringComparison.Ordinal))
            {
                throw new NonRetriableException($"{Source} lies where this gate writes ({written}). Watch another place, or write to another.");
            }
        }

        Good = output.Name.Length > 0 ? output : NameUnder(output, Format == GateFormat.Csv ? ".csv" : ".parquet");
    }

    public ObjectAddress Source { get; }

    public GateFormat Format { get; }

    public ObjectAddress Good { get; }

    public ObjectAddress Bad(string errorType) => NameUnder(_errors.WithKey($"{_errors.Key}{errorType}/{_started:yyyyMMddHHmmss}/"), ".csv");

    /// <summary>
    /// The object's key, with the extension behind where it has another: <c>a/orders.json.csv</c>. Two objects never share a name: one of
    /// another bucket, and one that would be taken for another by its extensions, has a tag of its own in it, <c>a/orders.1f3a9c00.csv</c>.
    /// </summary>
    private ObjectAddress NameUnder(ObjectAddress prefix, string extension)
    {
        var key = Source.Key;
        var hasExtension = key.EndsWith(extension, StringComparison.OrdinalIgnoreCase);
        var stem = hasExtension ? key[..^extension.Length] : key;
        var isItsOwn = (Source.Scheme, Source.Bucket) == (prefix.Scheme, prefix.Bucket) && hasExtension != RecordTable.IsNamed(stem);
        var name = !isItsOwn ? $"{stem}.{Tag()}{extension}" : hasExtension ? key : key + extension;
        return prefix.WithKey(prefix.Key + name);
    }

    private string Tag() => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{Source}")).AsSpan(0, 4));
}

/// <summary>Writes what the rules decided: first what is bad, then what is good.</summary>
internal sealed class GateWriter(ObjectStores stores, DuckDbDatabase database, RecordTable records, GatePlaces places, string folder)
{
    public async Task<QualityGateResult> WriteAsync(QualityReport report, CancellationToken cancellation)
    {
        var errors = new Dictionary<string, string>();
        if (records.Malformed > 0)
        {
            errors[GateRules.MalformedType] = await WriteAsync(records.MalformedAsWritten(GateRules.MalformedRule, $"{places.Source}"), places.Bad(GateRules.MalformedType), GateFormat.Csv, cancellation);
        }

        foreach (var errorType in report.Results.Where(result => result.SetsAside).Select(result => result.ErrorType).Distinct())
        {
            errors[errorType] = await WriteAsync(records.BadAsWritten(errorType, $"{places.Source}"), places.Bad(errorType), GateFormat.Csv, cancellation);
        }

        return new()
        {
            RowsIn = report.Rows + records.Malformed,
            Loaded = report.Good,
            Quarantined = report.Quarantined + records.Malformed,
            Written = report.Stop is null && records.HasColumns ? await WriteAsync(Good(), places.Good, places.Format, cancellation) : null,
            QuarantineObject = errors.Count == 1 ? errors.Values.Single() : null,
            Rules = records.Malformed == 0 ? report.Results : [GateRules.Malformed(records), .. report.Results],
            Errors = errors,
        };
    }

    private string Good() =>
        places.Format == GateFormat.Csv ? records.GoodAsWritten() : $"select * exclude ({QualityRules.RowColumn}) from {QualityRules.GoodRows} order by {QualityRules.RowColumn}";

    private async Task<string> WriteAsync(string query, ObjectAddress to, GateFormat format, CancellationToken cancellation)
    {
        var file = Path.Combine(folder, Guid.NewGuid().ToString("N"));
        await Task.Run(
            () =>
            {
                using var connection = database.Connect();
                return format == GateFormat.Csv ? connection.ExportCsv(query, file, cancellation) : connection.ExportParquet(query, file, cancellation);
            },
            cancellation);
        await stores.UploadAsync(file, to, WriteCondition.Always, cancellation);
        return to.ToString();
    }
}
