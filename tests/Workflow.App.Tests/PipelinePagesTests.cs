using System.Text.RegularExpressions;
using Workflow.App.Pipelines;

namespace Workflow.App.Tests;

/// <summary>Each pipeline has its page, and the page has each of its options.</summary>
public sealed partial class PipelinePagesTests
{
    private static readonly string Docs = Path.Combine(Checkout.Root, "docs");

    public static TheoryData<string> Kinds => [.. Workflow.App.Pipelines.Pipelines.Kinds.Select(kind => kind.Name)];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_pipeline_is_in_the_lists_and_its_page_names_every_option(string name)
    {
        var page = File.ReadAllText(Path.Combine(Docs, "pipelines", $"{name}.md"));
        Assert.Contains($"({name}.md)", File.ReadAllText(Path.Combine(Docs, "pipelines", "README.md")), StringComparison.Ordinal);
        Assert.Contains($"| `{name}` |", File.ReadAllText(Path.Combine(Checkout.Root, "README.md")), StringComparison.Ordinal);
        Assert.DoesNotContain(Options(name), option => !page.Contains($"`{option}`", StringComparison.Ordinal));
    }

    [Fact]
    public void What_every_pipeline_has_is_in_operations()
    {
        var page = File.ReadAllText(Path.Combine(Docs, "operations.md"));
        Assert.DoesNotContain(typeof(PipelineInput).GetProperties(), option => !page.Contains($"| `{option.Name}`", StringComparison.Ordinal));
    }

    [Fact]
    public void Links_between_pages_lead_somewhere()
    {
        string[] pages = [Path.Combine(Checkout.Root, "README.md"), .. Directory.GetFiles(Docs, "*.md", SearchOption.AllDirectories), Path.Combine(Checkout.Root, "src", "Workflow.App", "Pipelines", "README.md")];
        var broken = from page in pages
                     from Match link in Link().Matches(File.ReadAllText(page))
                     let target = Path.Combine(Path.GetDirectoryName(page)!, link.Groups[1].Value)
                     where !File.Exists(target) && !Directory.Exists(target)
                     select $"{Path.GetRelativePath(Checkout.Root, page)}: {link.Groups[1].Value}";
        Assert.Empty(broken);
    }

    private static IEnumerable<string> Options(string name)
    {
        var input = Workflow.App.Pipelines.Pipelines.Kinds.Single(kind => kind.Name == name).GetType().GetGenericArguments()[1];
        return input.GetProperties().Where(option => option.DeclaringType == input && option.CanWrite).Select(option => option.Name);
    }

    // Without a place on the page, and not to other sites.
    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)")]
    private static partial Regex Link();
}
