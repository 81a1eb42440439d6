using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Workflow.App.Triggers.Functions;
using Workflow.Durable;

namespace Workflow.App.Tests.Functions;

/// <summary>The handler on orchestrators and activities of a test's own, without pipelines, and an engine that asks it.</summary>
internal sealed class HandlerHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Losses _losses;

    private HandlerHost(WebApplication app, Losses losses)
    {
        _app = app;
        _losses = losses;
    }

    public Uri Address => AddressOf(_app);

    public ExtensionEngine Engine { get; private set; } = null!;

    public DurableTaskClient Client => _app.Services.GetRequiredService<DurableTaskClient>();

    public static async Task<HandlerHost> StartAsync(Action<DurableTaskRegistry> register)
    {
        var builder = WebApplication.CreateEmptyBuilder(new());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddLogging().AddRoutingCore();
        builder.Services.AddDurableTaskTurns(register).AddFunctionsHandler();
        builder.Services.AddSingleton(provider => FunctionSet.Create(provider.GetRequiredService<DurableTaskRegistry>()));
        var losses = new Losses();
        var app = builder.Build();
        app.Use(losses.InvokeAsync);
        app.UseFunctions();
        app.Run(context => Results.NotFound("no such function").ExecuteAsync(context));
        await app.StartAsync(TestContext.Current.CancellationToken);
        var host = new HandlerHost(app, losses);
        host.Engine = await ExtensionEngine.StartAsync(host.Address);
        app.Services.GetRequiredService<ExtensionAddress>().Learn(host.Engine.Client);
        return host;
    }

    /// <summary>Of the requests that come next, so many lose their connection after they have been answered.</summary>
    public void Lose(string function, int requests) => _losses.Of(function, requests);

    public async ValueTask DisposeAsync()
    {
        await Engine.DisposeAsync();
        await _app.DisposeAsync();
    }

    private static Uri AddressOf(WebApplication app) => new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>The work is done, and nobody hears of it.</summary>
    private sealed class Losses
    {
        private string _function = "";
        private int _left;

        public void Of(string function, int requests) => (_function, _left) = ($"/{function}", requests);

        public Task InvokeAsync(HttpContext context, RequestDelegate next)
        {
            if (context.Request.Path != _function || Interlocked.Decrement(ref _left) < 0)
            {
                return next(context);
            }

            context.Response.Body = new MemoryStream();
            return LoseAsync(context, next);
        }

        private static async Task LoseAsync(HttpContext context, RequestDelegate next)
        {
            await next(context);
            context.Abort();
        }
    }
}
