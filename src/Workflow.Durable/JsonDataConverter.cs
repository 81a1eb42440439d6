using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Workflow.Durable;

/// <summary>How values become the JSON that history keeps: web naming, enums by name, at most 1 MiB.</summary>
public static class JsonDataConverter
{
    /// <summary>Bytes of UTF-8. Larger data belongs in an object store, with its address passed instead.</summary>
    public const int MaxPayloadBytes = 1 << 20;

    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Null stays null; it is not the JSON word.</summary>
    /// <param name="what">Names the value in the error, for example <c>the input of activity 'Stage'</c>.</param>
    /// <exception cref="PayloadTooLargeException">The JSON is larger than <see cref="MaxPayloadBytes"/>.</exception>
    public static string? Serialize(object? value, string what)
    {
        if (value is null)
        {
            return null;
        }

        var json = JsonSerializer.Serialize(value, value.GetType(), Options);
        CheckSize(json, what);
        return json;
    }

    /// <exception cref="PayloadTooLargeException">The text is larger than <see cref="MaxPayloadBytes"/>.</exception>
    public static void CheckSize(string? json, string what)
    {
        // A char is at most three bytes of UTF-8: most payloads are cleared without being counted.
        if (json is null || json.Length <= MaxPayloadBytes / 3)
        {
            return;
        }

        var bytes = Encoding.UTF8.GetByteCount(json);
        if (bytes > MaxPayloadBytes)
        {
            throw new PayloadTooLargeException(
                $"{char.ToUpperInvariant(what[0])}{what[1..]} is {bytes:N0} bytes of JSON; at most {MaxPayloadBytes:N0} (1 MiB) go through history. "
                + "Write the data to an object store and pass a reference (its address) instead.");
        }
    }

    public static T? Deserialize<T>(string? json) => json is null ? default : JsonSerializer.Deserialize<T>(json, Options);

    internal static object? Deserialize(string? json, Type type)
    {
        if (json is not null)
        {
            return JsonSerializer.Deserialize(json, type, Options);
        }

        return type.IsValueType ? Activator.CreateInstance(type) : null;
    }
}
