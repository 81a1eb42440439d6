using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Workflow.App.Triggers.Functions;

/// <summary>The folder of a function app: one folder per function, and in it its <c>function.json</c>.</summary>
internal static class FunctionFiles
{
    private static readonly JsonSerializerOptions Written = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes the functions, and removes those that are no more. What else lies in the folder stays.</summary>
    public static void Write(FunctionSet functions, string folder)
    {
        foreach (var old in Find(folder).Where(name => functions.Find(name) is null))
        {
            File.Delete(FileOf(folder, old));
            if (!Directory.EnumerateFileSystemEntries(Path.Combine(folder, old)).Any())
            {
                Directory.Delete(Path.Combine(folder, old));
            }
        }

        foreach (var function in functions.All)
        {
            Directory.CreateDirectory(Path.Combine(folder, function.Name));
            File.WriteAllText(FileOf(folder, function.Name), function.ToJson().ToJsonString(Written) + "\n");
        }
    }

    /// <summary>
    /// How the functions of a folder differ from those that the settings ask for, a sentence each. The host knows only the files, so what
    /// they do not say is never asked for.
    /// </summary>
    public static IReadOnlyList<string> Compare(FunctionSet functions, string folder)
    {
        var written = Find(folder);
        return
        [
            .. functions.All.Where(function => !written.Contains(function.Name, StringComparer.OrdinalIgnoreCase)).Select(function => $"{function.Name} is not there"),
            .. written.Where(name => functions.Find(name) is null).Select(name => $"{name} is no function any more"),
            .. functions.All.Where(function => written.Contains(function.Name, StringComparer.Ordinal) && !Says(folder, function)).Select(function => $"{function.Name} has other bindings"),
        ];
    }

    /// <summary>The names of a folder's functions.</summary>
    public static IReadOnlyList<string> Find(string folder) => !Directory.Exists(folder)
        ? []
        : [.. Directory.EnumerateDirectories(folder).Where(function => File.Exists(Path.Combine(function, Function.FileName))).Select(function => Path.GetFileName(function)!).Order(StringComparer.Ordinal)];

    private static bool Says(string folder, Function function)
    {
        try
        {
            return JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(FileOf(folder, function.Name))), function.ToJson());
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string FileOf(string folder, string function) => Path.Combine(folder, function, Function.FileName);
}
