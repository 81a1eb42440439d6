using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Workflow.Cloud.Objects;
using Workflow.Cloud.Objects.Local;
using Workflow.Durable;
using Workflow.Testing;

namespace Workflow.App.Tests;

/// <summary>What the README shows is run.</summary>
public sealed partial class ReadmeTests(PostgresFixture postgres)
{
    private const int MostLines = 20;

    private const string Usings = """
        using System;
        using System.Linq;
        using System.Threading.Tasks;
        using Workflow.Cloud.Objects;
        using Workflow.Durable;

        """;

    [Fact]
    public async Task The_pipeline_of_the_README_runs()
    {
        using var folder = new TempFolder();
        var pipeline = Compile(Snippet());
        var store = new LocalObjectStore(folder.Path, TimeProvider.System);
        foreach (var name in new[] { "a", "b", "c" })
        {
            await store.WriteAsync(ObjectAddress.Parse($"local://bucket/{name}"), new MemoryStream(new byte[100]), WriteCondition.Always, TestContext.Current.CancellationToken);
        }

        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Services.AddSingleton(new ObjectStores([store]));
        var connection = await postgres.CreateDatabaseAsync(TestContext.Current.CancellationToken);
        builder.Services.AddDurableTask(hub => hub.ConnectionString = connection, registry => Register(registry, pipeline));
        using var host = builder.Build();
        await host.StartAsync(TestContext.Current.CancellationToken);

        var client = host.Services.GetRequiredService<DurableTaskClient>();
        var run = await client.ScheduleNewOrchestrationInstanceAsync("MeasureFiles", new[] { "local://bucket/a", "local://bucket/b", "local://bucket/c" }, cancellation: TestContext.Current.CancellationToken);
        var ended = await client.WaitForInstanceCompletionAsync(run, cancellation: TestContext.Current.CancellationToken);

        Assert.Equal(300, ended.ReadOutputAs<long>());
        await host.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Every_pipeline_is_told_of_and_how_it_is_run()
    {
        var readme = File.ReadAllText(Path.Combine(Checkout.Root, "README.md"));
        var pipelines = App.Pipelines.Pipelines.Kinds.Select(kind => kind.Name).Order(StringComparer.Ordinal).ToList();

        Assert.Equal(pipelines, PipelineRows().Matches(readme).Select(row => row.Groups[1].Value).Order(StringComparer.Ordinal));
        Assert.Equal(pipelines, Runs().Matches(readme).Select(run => run.Groups[1].Value).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_first_screen_shows_how_to_run_and_how_to_test()
    {
        var screen = File.ReadLines(Path.Combine(Checkout.Root, "README.md")).Take(20).ToList();

        Assert.Contains(screen, line => line.StartsWith("./run --once", StringComparison.Ordinal));
        Assert.Contains(screen, line => line.StartsWith("./test", StringComparison.Ordinal));
    }

    [Fact]
    public void The_pages_name_only_files_that_are_there()
    {
        foreach (var page in new[] { "README.md", "docs/operations.md", "src/Workflow.App/Pipelines/README.md" })
        {
            var text = File.ReadAllText(Path.Combine(Checkout.Root, page));
            var folder = Path.GetDirectoryName(Path.Combine(Checkout.Root, page))!;
            var missing = System.Text.RegularExpressions.Regex.Matches(text, @"\]\(([^)#:]+)\)").Select(link => link.Groups[1].Value).Where(link => !Path.Exists(Path.Combine(folder, link)));
            Assert.Empty(missing);
        }
    }

    private static string Snippet()
    {
        var text = File.ReadAllText(Path.Combine(Checkout.Root, "README.md"));
        var snippet = text.Split("```csharp\n")[1].Split("```")[0];
        Assert.InRange(snippet.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length, 1, MostLines);
        return snippet;
    }

    private static Assembly Compile(string source)
    {
        Assert.Empty(Pipelines.ReplayedCode.Offences("README.md", Usings + source[..source.IndexOf("public sealed class MeasureFile(", StringComparison.Ordinal)]));
        var references = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator).Select(path => MetadataReference.CreateFromFile(path));
        var compilation = CSharpCompilation.Create("readme", [CSharpSyntaxTree.ParseText(Usings + source)], references, new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary));
        using var image = new MemoryStream();
        var emitted = compilation.Emit(image);
        Assert.Empty(emitted.Diagnostics.Where(diagnostic => diagnostic.Severity == DiagnosticSeverity.Error));
        return Assembly.Load(image.ToArray());
    }

    private static void Register(DurableTaskRegistry registry, Assembly pipeline)
    {
        foreach (var type in pipeline.GetExportedTypes())
        {
            var add = typeof(ITaskActivity).IsAssignableFrom(type) ? nameof(DurableTaskRegistry.AddActivity) : nameof(DurableTaskRegistry.AddOrchestrator);
            typeof(DurableTaskRegistry).GetMethod(add, 1, [])!.MakeGenericMethod(type).Invoke(registry, null);
        }
    }

    [GeneratedRegex(@"^\| `([a-z]+-[a-z-]+)` \|", RegexOptions.Multiline)]
    private static partial Regex PipelineRows();

    [GeneratedRegex(@"\./workflow run ([a-z-]+)")]
    private static partial Regex Runs();
}
