using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Workflow.App.Api;
using Workflow.App.Api.Access;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Api.Access;

/// <summary>What is told of a refusal, and to whom.</summary>
public sealed class RefusalTests(PostgresFixture postgres)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_reason_is_in_the_log_and_not_in_the_answer()
    {
        await using var tables = new ServiceDatabase(await postgres.CreateDatabaseAsync(Cancellation), "durable");
        var keys = new ApiKeys(tables, new(null, IsNew: false), TimeProvider.System);
        var revoked = await keys.CreateAsync(new("ann", Role.Viewer), Cancellation);
        await keys.RevokeAsync(revoked.Id, Cancellation);
        var unknown = ApiKey.Create();
        var wrong = unknown with { Id = revoked.Id };

        foreach (var (credential, reason) in new[]
        {
            (null, "no key or token"), (unknown.Reveal(), $"key {unknown.Id} is not known"), (wrong.Reveal(), $"the secret of key {revoked.Id} is wrong"),
            (revoked.Reveal(), $"key {revoked.Id} was revoked"), ("x.y.z", "tokens are not taken (Access:Oidc)"),
        })
        {
            var (answer, log) = await RefuseAsync(keys, credential);

            Assert.Contains($"Refused GET /api/runs from 192.0.2.1: ", log, StringComparison.Ordinal);
            Assert.Contains(reason, log, StringComparison.Ordinal);
            Assert.Contains("\"status\":401", answer, StringComparison.Ordinal);
            Assert.DoesNotContain(revoked.Id, answer, StringComparison.Ordinal);
            Assert.DoesNotContain("revoked", answer, StringComparison.Ordinal);
            Assert.DoesNotContain(revoked.Secret, log, StringComparison.Ordinal);
            Assert.DoesNotContain(unknown.Secret, log, StringComparison.Ordinal);
        }
    }

    private static async Task<(string Answer, string Log)> RefuseAsync(ApiKeys keys, string? credential)
    {
        using var lines = new LogLines();
        using var failures = new FailedAttempts(new());

        // No issuer is configured, so its keys are not asked for.
        var tokens = new OidcTokens(new(), keys: null!);
        var authentication = new Authentication(_ => throw new InvalidOperationException("It went on."), new(keys, tokens), failures, ListenAddresses.Ephemeral, lines.For<Authentication>());
        await using var services = new ServiceCollection().AddLogging().AddProblemDetails().BuildServiceProvider();
        using var answer = new MemoryStream();
        var context = new DefaultHttpContext { RequestServices = services, Request = { Method = "GET", Path = "/api/runs" }, Response = { Body = answer } };
        context.Connection.RemoteIpAddress = System.Net.IPAddress.Parse("192.0.2.1");
        if (credential is not null)
        {
            context.Request.Headers.Authorization = $"Bearer {credential}";
        }

        await authentication.InvokeAsync(context);
        return (System.Text.Encoding.UTF8.GetString(answer.ToArray()), string.Join('\n', lines.All));
    }
}
