namespace Workflow.App.Demo;

/// <summary>Names for sample data, made up by arithmetic: the same at every run, about nobody.</summary>
internal static class SampleNames
{
    private static readonly string[] Syllables = ["ka", "lo", "mi", "ren", "sa", "tu", "vel", "zo"];

    /// <summary>A name for each number; from 512 on they come again.</summary>
    public static string Of(int id)
    {
        var name = $"{Syllables[id % 8]}{Syllables[id / 8 % 8]}{Syllables[id / 64 % 8]}";
        return char.ToUpperInvariant(name[0]) + name[1..];
    }
}
