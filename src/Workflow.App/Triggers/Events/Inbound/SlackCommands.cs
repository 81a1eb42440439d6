using System.Text;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.WebUtilities;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Configuration;
using Workflow.App.Pipelines;
using Workflow.Durable;

namespace Workflow.App.Triggers.Events.Inbound;

/// <summary>
/// The slash command: <c>list</c>, <c>status RUN</c>, <c>runs PIPELINE</c>, <c>run PIPELINE</c>. All of the workspace may look; only those
/// named in Events:Slack:Operators start runs.
/// </summary>
internal sealed class SlackCommands(Settings settings, Runs runs, DurableTaskClient client, AuditTable audit, ILogger<SlackCommands> logger)
{
    /// <summary>Of a request, in bytes. Slack's are far shorter.</summary>
    public const int Longest = 64 << 10;

    private const int Shown = 5;
    private const string Usage = "Say `list`, `runs PIPELINE`, `status RUN` or `run PIPELINE`.";

    public static async Task<IResult> AnswerAsync(HttpRequest request, Settings settings, SharedKeys keys, SlackCommands commands, CancellationToken cancellation)
    {
        var body = await InboundApi.ReadAsync(request, cancellation);
        await keys.CheckSignatureAsync(
            body, request.Headers["X-Slack-Request-Timestamp"], request.Headers["X-Slack-Signature"], settings.Events.Slack.Secret, SharedKeys.SigningSecret, cancellation);
        var form = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body));
        return Field("ssl_check") == "1"
            ? TypedResults.Ok()
            : TypedResults.Ok(new SlackAnswer("ephemeral", await commands.AnswerAsync(Field("text"), Field("user_id"), Field("trigger_id"), cancellation)));

        string Field(string name) => form.GetValueOrDefault(name).ToString();
    }

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

    /// <summary>A change like any other: there is a row in the audit of it, or it is not made.</summary>
    private async Task<string> StartAsync(Pipeline pipeline, string user, string trigger, CancellationToken cancellation)
    {
        var change = new AuditedChange($"user {user} of Slack", Role.Operator, null, "POST /api/slack/commands", $"run {pipeline.Name}") { Pipeline = pipeline.Name };
        if (!settings.Events.Slack.Operators.Contains(user, StringComparer.Ordinal))
        {
            await audit.RefuseAsync(change with { Role = null }, StatusCodes.Status403Forbidden, cancellation);
            logger.LogWarning("User {User} of Slack asked for a run of {Pipeline}, and is not among Events:Slack:Operators.", user, pipeline.Name);
            return "You may look, but not start runs.";
        }

        change.Instance = Runs.InstanceFor(pipeline.Name, $"slack\n{trigger}");
        await audit.MakeAsync(change, () => runs.StartAsync(pipeline.Name, null, change.Instance, cancellation), cancellation);
        logger.LogInformation("User {User} of Slack started run {Instance} of {Pipeline}.", user, change.Instance, pipeline.Name);
        return $"Started `{change.Instance}`.";
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
