using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.Testing;

namespace Workflow.App.Tests.Commands;

/// <summary>What <c>./run --once</c> shows, with nothing but the embedded defaults.</summary>
public sealed partial class DemoCommandTests
{
    [Fact]
    public async Task Once_it_completes_a_run_of_every_pipeline_and_ends()
    {
        using var data = new TempFolder();

        await using var process = WorkflowProcess.Start(["demo", "--once", "--urls", "http://127.0.0.1:0", "--data", data.Path], new Dictionary<string, string>());
        var demo = await process.WaitAsync();

        Assert.True(demo.ExitCode == 0, demo.Output + demo.Errors);
        var runs = Rows().Matches(demo.Output).ToLookup(row => row.Groups["pipeline"].Value, row => row.Groups["status"].Value);
        var pipelines = Settings.Load(Settings.Sources(new(data.Path))).Pipelines.Select(pipeline => pipeline.Name);
        Assert.Equal(pipelines.Order(StringComparer.Ordinal), runs.Select(pipeline => pipeline.Key).Order(StringComparer.Ordinal));
        Assert.All(runs.SelectMany(statuses => statuses), status => Assert.Equal("Completed", status));
    }

    [GeneratedRegex(@"^ *(?<pipeline>[a-z][a-z-]+) +\k<pipeline>-\S+ +(?<status>\w+) ", RegexOptions.Multiline)]
    private static partial Regex Rows();
}
