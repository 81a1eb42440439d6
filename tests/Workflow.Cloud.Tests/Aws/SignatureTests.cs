using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Workflow.Cloud.Aws;
using Workflow.Testing;

namespace Workflow.Cloud.Tests.Aws;

/// <summary>The SDK's signatures against the stand-in's own computation of them.</summary>
public sealed class SignatureTests : IAsyncLifetime
{
    private readonly TempFolder _data = new();
    private AwsStandIn _aws = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _aws = await AwsStandIn.StartAsync(_data);

    public async ValueTask DisposeAsync()
    {
        await _aws.DisposeAsync();
        _data.Dispose();
    }

    [Fact]
    public async Task A_signed_call_of_either_protocol_is_taken()
    {
        Assert.NotEmpty(await _aws.Sns.PublishAsync(new(AwsStandIn.Topic, "Done & dusted", "é = 1 + 1", new Dictionary<string, string>()), Cancellation));
        Assert.Null(await _aws.Glue.FindDatabaseAsync("nobody-made-it", Cancellation));
    }

    [Fact]
    public async Task What_was_changed_on_the_way_is_refused()
    {
        await using var changing = await ChangingProxy.StartAsync(_aws.Http.BaseAddress!, body => body.Replace("orders", "payroll", StringComparison.Ordinal));
        var glue = new GlueClient(new(new Dictionary<string, AwsEndpoint> { ["Glue"] = AwsEndpoint.Local }, () => changing.Address, new([], () => [])));

        var refused = await Assert.ThrowsAsync<AwsRefusedException>(() => glue.CreateDatabaseAsync("orders", Cancellation));

        Assert.Equal(("Glue", "CreateDatabase", "InvalidSignatureException"), (refused.Service, refused.Operation, refused.Code));
        Assert.Null(await _aws.Glue.FindDatabaseAsync("payroll", Cancellation));
    }

    [Theory]
    [InlineData(null, "MissingAuthenticationTokenException")]
    [InlineData("Bearer x", "MissingAuthenticationTokenException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIASOMEBODYELSE0000/20261121/us-east-1/glue/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "UnrecognizedClientException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIALOCALSTANDIN0000/20261121/us-east-1/glue/aws4_request, SignedHeaders=host;x-amz-date, Signature=00", "InvalidSignatureException")]
    [InlineData("AWS4-HMAC-SHA256 Credential=AKIALOCALSTANDIN0000/20261121/us-east-1/glue/aws4_request, SignedHeaders=x-amz-date, Signature=00", "InvalidSignatureException")]
    public async Task What_is_not_signed_with_its_key_is_refused(string? authorization, string code)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/local/aws/") { Content = new StringContent("{\"Name\":\"x\"}", Encoding.UTF8, "application/x-amz-json-1.1") };
        request.Headers.TryAddWithoutValidation("X-Amz-Target", "AWSGlue.GetDatabase");
        request.Headers.TryAddWithoutValidation("X-Amz-Date", "20261121T120000Z");
        if (authorization is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", authorization);
        }

        using var response = await _aws.Http.SendAsync(request, Cancellation);

        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Equal(code, (string?)JsonNode.Parse(await response.Content.ReadAsStringAsync(Cancellation))!["__type"]);
    }

    /// <summary>Passes calls on, with another body.</summary>
    private sealed class ChangingProxy(WebApplication proxy) : IAsyncDisposable
    {
        public Uri Address => new(proxy.Urls.Single());

        public static async Task<ChangingProxy> StartAsync(Uri target, Func<string, string> change)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            builder.Logging.ClearProviders();
            var proxy = builder.Build();
            proxy.Run(async context =>
            {
                using var http = new HttpClient();
                using var reader = new StreamReader(context.Request.Body);
                using var passed = new HttpRequestMessage(HttpMethod.Post, new Uri(target, context.Request.Path)) { Content = new StringContent(change(await reader.ReadToEndAsync())) };
                passed.Content.Headers.Clear();
                foreach (var (name, value) in context.Request.Headers.Where(header => header.Key != "Content-Length"))
                {
                    _ = passed.Headers.TryAddWithoutValidation(name, (string?)value) || passed.Content.Headers.TryAddWithoutValidation(name, (string?)value);
                }

                using var answer = await http.SendAsync(passed);
                context.Response.StatusCode = (int)answer.StatusCode;
                await context.Response.WriteAsync(await answer.Content.ReadAsStringAsync());
            });
            await proxy.StartAsync(Cancellation);
            return new(proxy);
        }

        public ValueTask DisposeAsync() => proxy.DisposeAsync();
    }
}
