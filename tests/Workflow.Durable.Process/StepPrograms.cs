namespace Workflow.Durable.Programs;

/// <summary>What an orchestration does: the kinds are the cases of <see cref="StepPrograms.RunAsync"/>.</summary>
public sealed record Step(string Kind, int Number, IReadOnlyList<Step> Parts);

/// <summary>Orchestrations made of any steps, and what each is to return.</summary>
public static class StepPrograms
{
    public const string Program = "Program";
    private const string Rounds = "Rounds";

    private sealed record Round(int Left, IReadOnlyList<Step> Parts, string Before);

    public static void Register(DurableTaskRegistry registry) => registry
        .AddOrchestratorFunc<Step, string>(Program, RunAsync)
        .AddOrchestratorFunc<Round, string>(Rounds, RunRoundAsync)
        .AddActivityFunc<int, string>("Echo", (_, number) => Task.FromResult($"a{number}"))
        .AddActivityFunc<int, string>("FailsAtFirst", (context, times) =>
            context.Attempt <= times ? throw new InvalidOperationException("not yet") : Task.FromResult($"r{times}"))
        .AddActivityFunc<int, string>("FailsAlways", (_, number) => throw new InvalidOperationException($"no {number}"));

    public static async Task<string> RunAsync(TaskOrchestrationContext context, Step step)
    {
        switch (step.Kind)
        {
            case "activity":
                return await context.CallActivityAsync<string>("Echo", step.Number);
            case "timer":
                await context.CreateTimer(TimeSpan.FromMilliseconds(step.Number), CancellationToken.None);
                return $"t{step.Number}";
            case "event":
                // Each instance sends its event to itself, so that those of its children do not get in its way.
                context.SendEvent(context.InstanceId, $"event {step.Number}", step.Number);
                return $"e{await context.WaitForExternalEvent<int>($"event {step.Number}", CancellationToken.None)}";
            case "flaky":
                var retry = new TaskOptions(new RetryPolicy(4, TimeSpan.FromMilliseconds(1), 2));
                return await context.CallActivityAsync<string>("FailsAtFirst", step.Number % 4, retry);
            case "fails":
                try
                {
                    return await context.CallActivityAsync<string>("FailsAlways", step.Number);
                }
                catch (TaskFailedException failed)
                {
                    return $"f({failed.FailureDetails.ErrorMessage})";
                }

            case "child":
                return $"c[{string.Join(' ', await Task.WhenAll(step.Parts.Select(part => context.CallSubOrchestratorAsync<string>(Program, part))))}]";
            case "rounds":
                return $"r[{await context.CallSubOrchestratorAsync<string>(Rounds, new Round(1 + (step.Number % 3), step.Parts, ""))}]";
            case "parallel":
                return $"p[{string.Join(' ', await Task.WhenAll(step.Parts.Select(part => RunAsync(context, part))))}]";
            default:
                var results = new List<string>();
                foreach (var part in step.Parts)
                {
                    results.Add(await RunAsync(context, part));
                }

                return $"s[{string.Join(' ', results)}]";
        }
    }

    /// <summary>What <see cref="RunAsync"/> is to return, worked out without any runtime.</summary>
    public static string Expected(Step step) => step.Kind switch
    {
        "activity" => $"a{step.Number}",
        "timer" => $"t{step.Number}",
        "event" => $"e{step.Number}",
        "flaky" => $"r{step.Number % 4}",
        "fails" => $"f(no {step.Number})",
        "rounds" => $"r[{string.Concat(Enumerable.Repeat($"({string.Join(' ', step.Parts.Select(Expected))})", 1 + (step.Number % 3)))}]",
        var many => $"{many[0]}[{string.Join(' ', step.Parts.Select(Expected))}]",
    };

    /// <summary>Does its parts side by side, and again in a new execution as often as it is told.</summary>
    private static async Task<string> RunRoundAsync(TaskOrchestrationContext context, Round round)
    {
        var parts = await Task.WhenAll(round.Parts.Select(part => RunAsync(context, part)));
        var soFar = $"{round.Before}({string.Join(' ', parts)})";
        if (round.Left > 1)
        {
            context.ContinueAsNew(round with { Left = round.Left - 1, Before = soFar });
        }

        return soFar;
    }
}
