using System.Text.Json;

namespace Workflow.Cloud.Secrets;

/// <summary>
/// One named secret: fields and their values. Resolve it inside the activity that needs it; it does not print, and is not to be
/// put into inputs, history, logs or URLs.
/// </summary>
public sealed class Secret
{
    /// <summary>A secret that is one value without a name has it in this field.</summary>
    public const string ValueField = "value";

    // They say where something is, not how to open it: masked, they would leave errors that say nothing.
    private static readonly HashSet<string> Open = new(StringComparer.OrdinalIgnoreCase)
    {
        "engine", "host", "port", "username", "dbname", "database", "schema", "table", "sslmode", "region",
        "dbInstanceIdentifier", "dbClusterIdentifier", "dbClusterArn", "masterarn", "login_url",
    };

    private readonly Dictionary<string, string> _fields;

    public Secret(string name, JsonElement fields)
    {
        Name = name;
        _fields = [];
        foreach (var field in fields.EnumerateObject().Where(field => field.Value.ValueKind != JsonValueKind.Null))
        {
            _fields[field.Name] = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : field.Value.GetRawText();
        }
    }

    public string Name { get; }

    /// <summary>The fields of a JSON object; of any other text, the text as the field <see cref="ValueField"/>.</summary>
    internal static Secret FromText(string name, string text)
    {
        try
        {
            using var content = JsonDocument.Parse(text);
            return content.RootElement.ValueKind == JsonValueKind.Object ? new(name, content.RootElement) : OfValue(name, text);
        }
        catch (JsonException)
        {
            return OfValue(name, text);
        }
    }

    internal static Secret OfValue(string name, string value) =>
        new(name, JsonSerializer.SerializeToElement(new Dictionary<string, string> { [ValueField] = value }));

    public IReadOnlyCollection<string> FieldNames => _fields.Keys;

    /// <summary>A field's text; of anything but a text, its JSON. A field that is null is not there.</summary>
    /// <exception cref="SecretException">The secret has no such field.</exception>
    public string this[string field] =>
        Find(field) ?? throw new SecretException($"The secret '{Name}' has no field '{field}'. It has: {string.Join(", ", _fields.Keys.Order(StringComparer.Ordinal))}.");

    public string? Find(string field) => _fields.GetValueOrDefault(field);

    public override string ToString() => $"secret '{Name}'";

    /// <summary>The values that must not be shown.</summary>
    internal IEnumerable<string> Hidden => _fields.Where(entry => !Open.Contains(entry.Key)).Select(entry => entry.Value);

    internal bool HasFieldsOf(Secret other) =>
        _fields.Count == other._fields.Count && _fields.All(field => other._fields.TryGetValue(field.Key, out var value) && value == field.Value);
}

/// <summary>A secret is not there or cannot be used; the message names it and the next move, and never a value.</summary>
public sealed class SecretException(string message) : Exception(message);

/// <summary>Where the secret is kept could not be asked; another time may go better. What no retry can mend is a <see cref="SecretException"/>.</summary>
public sealed class SecretUnavailableException(string message, Exception? cause = null) : Exception(message, cause);
