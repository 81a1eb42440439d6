using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>
/// The slash command: <c>list</c>, <c>status RUN</c>, <c>runs PIPELINE</c>, <c>run PIPELINE</c>. All of the workspace may look; only those
/// named in Events:Slack:Operators start runs.
/// </summary>
internal sealed class SlackCommands(Settings settings, SharedKeys keys, Runs runs, DurableTaskClient client, ILogger<SlackCommands> logger)
{
    /// <summary>Of a request, in bytes. Slack's are far shorter.</summary>
    public const int Longest = 64 << 10;

    private const int Shown = 5;
    private const string Usage = "Say `list`, `runs PIPELINE`, `status RUN` or `run PIPELINE`.";

    public static async Task<IResult> AnswerAsync(HttpRequest request, SlackCommands commands, CancellationToken cancellation)
    {
        var body = await InboundApi.ReadAsync(request, cancellation);
        await commands.CheckAsync(request, body, cancellation);
        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body));
        return Field("ssl_check") == "1"
            ? TypedResults.Ok()
            : TypedResults.Ok(new SlackAnswer("ephemeral", await commands.AnswerAsync(Field("text"), Field("user_id"), Field("trigger_id"), cancellation)));

        string Field(string name) => form.GetValueOrDefault(name).ToString();
    }

    private Task CheckAsync(HttpRequest request, byte[] body, CancellationToken cancellation) => keys.CheckSignatureAsync(
        body, request.Headers["X-Slack-Request-Timestamp"], request.Headers["X-Slack-Signature"], settings.Events.Slack.Secret, SharedKeys.SigningSecret, cancellation);

    /// <param name="trigger">The same when Slack, or somebody who listened, sends the command again.</param>
    private async Task<string> AnswerAsync(string text, string user, string trigger, CancellationToken cancellation)
    {
        try
        {
            return text.Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries) switch
            {
                ["list"] => string.Join('\n', settings.Pipelines.Select(pipeline => $"• *{pipeline.Name}*: {pipeline.Kind.Summary}")),
                ["runs", var pipeline] => await ListAsync(settings.Find(pipeline), cancellation),
                ["status", var instance] => await client.GetInstanceAsync(instance, getInputsAndOutputs: true, cancellation) is { } run ? Describe(run) : $"There is no run `{instance}`.",
                ["run", var pipeline] => await StartAsync(settings.Find(pipeline), user, trigger, cancellation),
                _ => Usage,
            };
        }
        catch (UsageException wrong)
        {
            return wrong.Message;
        }
    }

    private async Task<string> StartAsync(Pipeline pipeline, string user, string trigger, CancellationToken cancellation)
    {
        if (!settings.Events.Slack.Operators.Contains(user, StringComparer.Ordinal))
        {
            logger.LogWarning("User {User} of Slack asked for a run of {Pipeline}, and is not among Events:Slack:Operators.", user, pipeline.Name);
            return "You may look, but not start runs.";
        }

        var instance = await runs.StartAsync(pipeline.Name, null, Runs.InstanceFor(pipeline.Name, $"slack\n{trigger}"), cancellation);
        logger.LogInformation("User {User} of Slack started run {Instance} of {Pipeline}.", user, instance, pipeline.Name);
        return $"Started `{instance}`.";
    }

    private async Task<string> ListAsync(Pipeline pipeline, CancellationToken cancellation)
    {
        var page = await client.QueryInstancesAsync(new(Name: pipeline.Name, PageSize: Shown, FetchInputsAndOutputs: true), cancellation);
        return page.Values.Count == 0 ? $"*{pipeline.Name}* has not run." : string.Join('\n', page.Values.Select(Describe));
    }

    private static string Describe(OrchestrationMetadata run) =>
        $"`{run.InstanceId}` of *{run.Name}* is {run.RuntimeStatus}, since {run.LastUpdatedAt:u}{(run.FailureDetails is { } failure ? $": {failure.ErrorMessage}" : "")}";
}

/// <summary>What Slack shows the user.</summary>
internal sealed record SlackAnswer([property: JsonPropertyName("response_type")] string ResponseType, string Text);
