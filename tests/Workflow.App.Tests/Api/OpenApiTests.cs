using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.OpenApi;
using Workflow.App.Api;
using Workflow.App.Hosting;
using Workflow.Testing;

namespace Workflow.App.Tests.Api;

/// <summary>The description of the API that the service serves.</summary>
public sealed class OpenApiTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Every_endpoint_is_described_with_its_parameters_its_answers_and_who_may_ask()
    {
        await using var installation = await (await Installation.CreateAsync(postgres)).StartServiceAsync(ServiceRoles.None);
        using var http = installation.CreateHttpClient();

        var (document, diagnostic) = OpenApiDocument.Parse(await http.GetStringAsync("openapi/v1.json", TestContext.Current.CancellationToken));

        Assert.Empty(diagnostic!.Errors);
        Assert.Equal(["apiKey", "bearer"], document!.Components!.SecuritySchemes!.Keys.Order());
        var missing = new List<string>();
        foreach (var (method, path, endpoint) in Mapped(installation))
        {
            var item = document.Paths.FirstOrDefault(described => described.Key.TrimEnd('/') == path).Value;
            if (item?.Operations is not { } operations || !operations.TryGetValue(new(method), out var operation))
            {
                missing.Add($"{method} {path} is not described");
                continue;
            }

            var parameters = operation.Parameters?.Where(parameter => parameter.In == ParameterLocation.Path).Select(parameter => parameter.Name!) ?? [];
            if (string.IsNullOrEmpty(operation.Summary) || operation.Responses is not { Count: > 1 }
                || !endpoint.RoutePattern.Parameters.Select(parameter => parameter.Name).Order().SequenceEqual(parameters.Order())
                || operation.Responses.ContainsKey("401") != endpoint.Metadata.OfType<NeededRole>().Any())
            {
                missing.Add($"{method} {path}: {operation.Summary}, {string.Join(' ', operation.Responses?.Keys.AsEnumerable() ?? [])}");
            }
        }

        Assert.Empty(missing);
        Assert.DoesNotContain(document.Paths.Keys, path => path.StartsWith("/local", StringComparison.Ordinal));
        var list = document.Paths["/api/runs"].Operations![HttpMethod.Get];
        Assert.Equal(
            ["after", "before", "parent", "pipeline", "prefix", "roots", "since", "status", "top"],
            list.Parameters!.Where(parameter => parameter.In == ParameterLocation.Query).Select(parameter => parameter.Name).Order());
        var start = document.Paths["/api/pipelines/{name}/runs"].Operations![HttpMethod.Post];
        Assert.Contains(start.Parameters!, parameter => parameter is { In: ParameterLocation.Header, Name: "Idempotency-Key" });
        Assert.Superset(new HashSet<string> { "202", "400", "401", "403", "404", "409", "413", "415" }, start.Responses!.Keys.ToHashSet());
        Assert.True(start.Responses["202"].Content!["application/json"].Schema!.Properties!.ContainsKey("statusQueryGetUri"));
        Assert.True(start.Responses["404"].Content!.ContainsKey("application/problem+json"));
    }

    /// <summary>What is mapped for callers. The description itself and the stand-ins are left out on purpose.</summary>
    private static IEnumerable<(string Method, string Path, RouteEndpoint Endpoint)> Mapped(Installation installation) =>
        from endpoint in installation.Service.Endpoints.OfType<RouteEndpoint>()
        where endpoint.Metadata.GetMetadata<Microsoft.AspNetCore.Routing.IExcludeFromDescriptionMetadata>() is not { ExcludeFromDescription: true }
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["any"]
        select (method, "/" + endpoint.RoutePattern.RawText!.Replace("?}", "}", StringComparison.Ordinal).Trim('/'), endpoint);
}
