using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Workflow.App.Api.Access;

namespace Workflow.App.Api;

/// <summary>The description of the API as programs read it: OpenAPI, at <see cref="Path"/>.</summary>
internal static class OpenApiDocuments
{
    public const string Path = "/openapi/v1.json";

    private const string Problem = "application/problem+json";
    private const string Bearer = "bearer";
    private const string ApiKey = "apiKey";

    public static void AddOpenApiDocument(this IServiceCollection services) => services.AddOpenApi(options =>
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new() { Title = "Workflow", Version = "v1", Description = "Durable ETL pipelines: started, looked at and steered." };
            document.Servers = [];  // it is the one that was asked
            document.Components ??= new();
            document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
            {
                [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A token of the configured issuer, or an API key." },
                [ApiKey] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-Api-Key", Description = "An API key." },
            };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            Describe(operation, context);
            return Task.CompletedTask;
        });
    });

    public static void MapOpenApiDocument(this IEndpointRouteBuilder routes) => routes.MapOpenApi("/openapi/{documentName}.json").Needs(Role.Viewer).ByCaller();  // it says the same to all

    /// <summary>What every operation has: who may ask for it, and what it answers when it does not do what it is asked.</summary>
    private static void Describe(OpenApiOperation operation, OpenApiOperationTransformerContext context)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        operation.Responses ??= [];
        if (metadata.OfType<NeededRole>().LastOrDefault() is { } needed)
        {
            operation.Security =
            [
                new() { [new OpenApiSecuritySchemeReference(Bearer, context.Document)] = [] },
                new() { [new OpenApiSecuritySchemeReference(ApiKey, context.Document)] = [] },
            ];
            operation.Description = $"{operation.Description} Needs the role {needed.Role}.".TrimStart();
            Refuses(operation, StatusCodes.Status401Unauthorized, "The caller does not say who it is.");
            Refuses(operation, StatusCodes.Status403Forbidden, "The caller may not do this.");
        }

        if (operation.Parameters is { Count: > 0 } || operation.RequestBody is not null)
        {
            Refuses(operation, StatusCodes.Status400BadRequest, "The request is wrong; the problem says what would be right.");
        }

        if (operation.Parameters?.Any(parameter => parameter.In == ParameterLocation.Path) == true)
        {
            Refuses(operation, StatusCodes.Status404NotFound, "There is no such thing.");
            if (context.Description.HttpMethod is "POST" or "DELETE")
            {
                // Durable Functions' API has a status of its own for an instance that has ended.
                var isEnded = context.Description.RelativePath!.StartsWith(DurableFunctionsApi.Instances[1..], StringComparison.Ordinal);
                Refuses(operation, isEnded ? StatusCodes.Status410Gone : StatusCodes.Status409Conflict, "The state of the run does not allow it.");
            }
        }

        if (operation.RequestBody is not null)
        {
            Refuses(operation, StatusCodes.Status413PayloadTooLarge, "The body is too large; send the address of an object instead.");
            Refuses(operation, StatusCodes.Status415UnsupportedMediaType, "The body is not application/json.");
        }

        Refuses(operation, StatusCodes.Status503ServiceUnavailable, "The database is away; try again soon.");
    }

    private static void Refuses(OpenApiOperation operation, int status, string why) => operation.Responses!.TryAdd(
        status.ToString(System.Globalization.CultureInfo.InvariantCulture),
        new OpenApiResponse { Description = why, Content = new Dictionary<string, OpenApiMediaType> { [Problem] = new() { Schema = ProblemSchema() } } });

    private static OpenApiSchema ProblemSchema() => new()
    {
        Type = JsonSchemaType.Object,
        Description = "Problem details (RFC 9457).",
        Properties = new Dictionary<string, IOpenApiSchema>
        {
            ["type"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["title"] = new OpenApiSchema { Type = JsonSchemaType.String },
            ["status"] = new OpenApiSchema { Type = JsonSchemaType.Integer },
            ["detail"] = new OpenApiSchema { Type = JsonSchemaType.String },
        },
    };
}
