namespace Workflow.App.Tests.Pipelines;

/// <summary>What is replayed from history must give the same answer every time.</summary>
public sealed class DeterminismTests
{
    public static TheoryData<string> Orchestrators =>
        [.. Directory.EnumerateFiles(Path.Combine(Checkout.Root, "src"), "*.Orchestrator.cs", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(Checkout.Root, file))];

    [Theory]
    [MemberData(nameof(Orchestrators))]
    public void An_orchestrator_asks_nothing_but_its_context(string file)
    {
        var source = File.ReadAllText(Path.Combine(Checkout.Root, file));

        Assert.Contains("TaskOrchestrationContext", source, StringComparison.Ordinal);
        Assert.Empty(ReplayedCode.Offences(file, source));
    }

    [Theory]
    [InlineData("DateTime.Now")]
    [InlineData("DateTime.UtcNow")]
    [InlineData("DateTime.Today")]
    [InlineData("DateTimeOffset.Now")]
    [InlineData("DateTimeOffset.UtcNow")]
    [InlineData("TimeProvider.System.GetUtcNow()")]
    [InlineData("System.Diagnostics.Stopwatch.GetTimestamp()")]
    [InlineData("Environment.TickCount64")]
    [InlineData("Environment.GetEnvironmentVariable(\"HOME\")")]
    [InlineData("Random.Shared.Next()")]
    [InlineData("new Random(1)")]
    [InlineData("Guid.NewGuid()")]
    [InlineData("Guid.CreateVersion7()")]
    [InlineData("System.Security.Cryptography.RandomNumberGenerator.GetInt32(6)")]
    [InlineData("File.ReadAllText(\"x\")")]
    [InlineData("new FileInfo(\"x\").Length")]
    [InlineData("new HttpClient()")]
    [InlineData("new System.Net.Sockets.TcpClient()")]
    [InlineData("new Npgsql.NpgsqlConnection(\"\")")]
    [InlineData("Console.ReadLine()")]
    [InlineData("Task.Run(() => 1)")]
    [InlineData("Task.Delay(1)")]
    [InlineData("Task.Factory.StartNew(() => 1)")]
    [InlineData("Task.CompletedTask.ConfigureAwait(false)")]
    [InlineData("Task.FromResult(1).ConfigureAwait(false)")]
    [InlineData("Task.CompletedTask.ContinueWith(_ => 1)")]
    [InlineData("new Thread(() => { })")]
    [InlineData("Thread.CurrentThread")]
    [InlineData("Parallel.For(0, 1, _ => { })")]
    [InlineData("new SemaphoreSlim(1)")]
    [InlineData("new Workflow.Cloud.Objects.ObjectStores([])")]
    [InlineData("Clock.UtcNow")]
    [InlineData("NewGuid()")]
    public void The_check_catches(string expression)
    {
        var source = $$"""
            using Clock = System.DateTime;
            using static System.Guid;
            class Sample { object Step() => {{expression}}; }
            """;

        Assert.NotEmpty(ReplayedCode.Offences("Sample.Orchestrator.cs", source));
    }

    [Fact]
    public void The_check_lets_an_honest_orchestrator_pass()
    {
        const string source = """
            using Workflow.Durable;
            class Sample : TaskOrchestrator<string[], string[]>
            {
                public override async Task<string[]> RunAsync(TaskOrchestrationContext context, string[] input)
                {
                    var key = context.NewGuid();
                    var due = context.CurrentUtcDateTime.AddMinutes(5);
                    await context.CreateTimer(due, CancellationToken.None);
                    return await Task.WhenAll(input.Select(name => context.CallActivityAsync<string>("Load", $"{key}/{Path.GetFileName(name)}")));
                }
            }
            """;

        Assert.Empty(ReplayedCode.Offences("Sample.Orchestrator.cs", source));
    }
}
