using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Azure;

/// <summary>A server on loopback that answers as a stand-in does, after the failures it was told to give first.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Func<HttpContext, Task>> _failures = [];
    private readonly ConcurrentQueue<string> _requests = [];

    private LoopbackServer(WebApplication app) => _app = app;

    public int Port => new Uri(_app.Urls.Single()).Port;

    public IReadOnlyCollection<string> Requests => _requests;

    /// <param name="certificate">For https; null for http.</param>
    public static async Task<LoopbackServer> StartAsync(RequestDelegate answer, LoopbackCertificate? certificate, CancellationToken cancellation)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(System.Net.IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null)
            {
                listen.UseHttps(certificate.Certificate);
            }
        }));
        builder.WebHost.UseKestrelHttpsConfiguration();
        var server = new LoopbackServer(builder.Build());
        server._app.Run(context =>
        {
            server._requests.Enqueue($"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}");
            return server._failures.TryDequeue(out var fail) ? fail(context) : answer(context);
        });
        await server._app.StartAsync(cancellation);
        return server;
    }

    public void Fail(int status, int times = 1, string body = "{}") => Fail(times, context =>
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(body);
    });

    public void Throttle(TimeSpan retryAfter) => Fail(1, context =>
    {
        context.Response.StatusCode = 429;
        context.Response.Headers["retry-after-ms"] = $"{retryAfter.TotalMilliseconds}";
        return Task.CompletedTask;
    });

    /// <summary>Breaks the connection in the middle of the answer's body.</summary>
    public void Cut() => Fail(1, async context =>
    {
        context.Response.ContentLength = 1_000;
        await context.Response.WriteAsync("{\"va");
        await context.Response.Body.FlushAsync();
        context.Abort();
    });

    /// <summary>Says nothing until the client leaves.</summary>
    public void Hang() => Fail(1, context => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, context.RequestAborted));

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private void Fail(int times, Func<HttpContext, Task> fail)
    {
        for (var n = 0; n < times; n++)
        {
            _failures.Enqueue(fail);
        }
    }
}
