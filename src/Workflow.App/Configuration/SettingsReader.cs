using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.App.Configuration;

/// <summary>
/// Reads a record from loose settings. A settings file, an environment variable and the input of a run all go through here,
/// so they take the same words, and each thing that is wrong becomes one error that names its key.
/// </summary>
internal static class SettingsReader
{
    /// <summary>A configuration section as JSON. What it holds are texts; sections numbered from 0 are lists.</summary>
    public static JsonObject ToJson(IConfigurationSection section) => new(section.GetChildren().Select(child => KeyValuePair.Create(child.Key, Node(child))));

    /// <param name="path">Goes in front of the keys in errors; empty for none.</param>
    public static T Read<T>(JsonObject given, string path, SettingErrors errors) where T : class
    {
        var properties = typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .Where(property => property.CanWrite)
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        var accepted = new JsonObject();
        foreach (var (name, value) in given)
        {
            var key = path.Length == 0 ? name : $"{path}:{name}";
            if (!properties.TryGetValue(name, out var property))
            {
                errors.Add(key, Text(value), $"there is no such setting; here there are {string.Join(", ", properties.Keys.Order(StringComparer.Ordinal))}");
            }
            else if (value is not null)
            {
                var type = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                if (Convert(value, type) is { } converted)
                {
                    accepted[property.Name] = converted;
                }
                else
                {
                    errors.Add(key, Text(value), $"write {Wanted(type)}");
                }
            }
        }

        return accepted.Deserialize<T>()!;
    }

    private static JsonNode? Node(IConfigurationSection section)
    {
        var children = section.GetChildren().ToArray();
        if (children.Length == 0)
        {
            return section.Value;
        }

        return children.All(child => int.TryParse(child.Key, NumberStyles.None, null, out _))
            ? new JsonArray([.. children.Select(Node)])
            : ToJson(section);
    }

    private static JsonNode? Convert(JsonNode value, Type type)
    {
        if (type == typeof(IReadOnlyList<string>))
        {
            return value switch
            {
                JsonArray list when list.All(IsText) => list.DeepClone(),
                _ when IsText(value) => new JsonArray(value.DeepClone()),
                _ => null,
            };
        }

        if (value is not JsonValue)
        {
            return null;
        }

        var text = Text(value)!;
        return type switch
        {
            _ when type == typeof(string) => IsText(value) ? value.DeepClone() : null,
            _ when type == typeof(bool) => bool.TryParse(text, out var flag) ? JsonValue.Create(flag) : null,
            _ when type == typeof(int) => int.TryParse(text, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null,
            _ when type == typeof(long) => long.TryParse(text, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null,
            _ when type == typeof(TimeSpan) => TimeSpan.TryParseExact(text, "c", null, out var span) ? JsonValue.Create(span.ToString("c")) : null,
            _ when type.IsEnum => Enum.GetNames(type).Contains(text, StringComparer.OrdinalIgnoreCase) ? JsonSerializer.SerializeToNode(Enum.Parse(type, text, ignoreCase: true), type) : null,
            _ => throw new NotSupportedException($"A setting of type {type.Name} has no way to be read: add it here."),
        };
    }

    private static string Wanted(Type type) => type switch
    {
        _ when type == typeof(string) => "a text",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(TimeSpan) => "a time span such as 00:00:30",
        _ when type.IsEnum => $"one of {string.Join(", ", Enum.GetNames(type))}",
        _ when type == typeof(IReadOnlyList<string>) => "a text or a list of texts",
        _ => "a whole number",
    };

    private static bool IsText(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String;

    private static string? Text(JsonNode? value) => value is null ? null : IsText(value) ? value.GetValue<string>() : value.ToJsonString();
}
