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
    public static T Read<T>(JsonObject given, string path, SettingErrors errors) where T : class =>
        Accept(given, typeof(T), path, errors).Deserialize<T>()!;

    /// <summary>What of the given is a setting of the type and can be read as one; the rest is reported.</summary>
    private static JsonObject Accept(JsonObject given, Type type, string path, SettingErrors errors)
    {
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
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
                var wanted = Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType;
                if (Convert(value, wanted, key, errors) is { } converted)
                {
                    accepted[property.Name] = converted;
                }
                else
                {
                    errors.Add(key, Text(value), $"write {Wanted(wanted)}");
                }
            }
        }

        return accepted;
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

    /// <returns>Null where it is not of the type; what is wrong inside of it is reported here.</returns>
    private static JsonNode? Convert(JsonNode value, Type type, string key, SettingErrors errors)
    {
        if (IsRecord(type))
        {
            return value is JsonObject section ? Accept(section, type, key, errors) : null;
        }

        if (ItemOf(type) is { } item && IsRecord(item))
        {
            return value is JsonArray items && items.All(one => one is JsonObject)
                ? new JsonArray([.. items.Select((one, index) => Accept((JsonObject)one!, item, $"{key}:{index}", errors))])
                : null;
        }

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
            _ when type == typeof(decimal) => decimal.TryParse(text, CultureInfo.InvariantCulture, out var number) ? JsonValue.Create(number) : null,
            _ when type == typeof(double) => double.TryParse(text, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? JsonValue.Create(number) : null,
            _ when type == typeof(TimeSpan) => TimeSpan.TryParseExact(text, "c", null, out var span) ? JsonValue.Create(span.ToString("c")) : null,
            _ when type == typeof(DateTimeOffset) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var moment) ? JsonValue.Create(moment) : null,
            _ when type.IsEnum => Enum.GetNames(type).Contains(text, StringComparer.OrdinalIgnoreCase) ? JsonSerializer.SerializeToNode(Enum.Parse(type, text, ignoreCase: true), type) : null,
            _ => throw new NotSupportedException($"A setting of type {type.Name} has no way to be read: add it here."),
        };
    }

    private static string Wanted(Type type) => type switch
    {
        _ when type == typeof(string) => "a text",
        _ when type == typeof(bool) => "true or false",
        _ when type == typeof(TimeSpan) => "a time span such as 00:00:30",
        _ when type == typeof(DateTimeOffset) => "a time such as 2026-11-21T08:00:00Z",
        _ when type.IsEnum => $"one of {string.Join(", ", Enum.GetNames(type))}",
        _ when type == typeof(IReadOnlyList<string>) => "a text or a list of texts",
        _ when type == typeof(decimal) || type == typeof(double) => "a number",
        _ when IsRecord(type) => $"a section with {Names(type)}",
        _ when ItemOf(type) is { } item => $"a list of sections with {Names(item)}",
        _ => "a whole number",
    };

    private static bool IsRecord(Type type) => type.IsClass && type != typeof(string);

    private static Type? ItemOf(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GenericTypeArguments[0] : null;

    private static string Names(Type type) =>
        string.Join(", ", type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite).Select(property => property.Name));

    private static bool IsText(JsonNode? value) => value?.GetValueKind() == JsonValueKind.String;

    private static string? Text(JsonNode? value) => value is null ? null : IsText(value) ? value.GetValue<string>() : value.ToJsonString();
}
