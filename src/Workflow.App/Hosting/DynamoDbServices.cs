using Amazon.DynamoDBv2;
using Workflow.Cloud.Aws;
using Workflow.Cloud.Local;

namespace Workflow.App.Hosting;

/// <summary>DynamoDB as <c>Aws:Endpoints:DynamoDB</c> selects it. Nothing is started or reached until it is used.</summary>
internal static class DynamoDbServices
{
    private const string Service = "DynamoDB";

    public static IServiceCollection AddDynamoDb(this IServiceCollection services, DataFolder data)
    {
        services.AddSingleton(provider => new LocalDynamoDb(data.Path, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<LocalDynamoDb>>()));
        return services.AddSingleton(provider => CreateClient(provider.GetRequiredService<AwsEndpoints>(), provider));
    }

    private static IAmazonDynamoDB CreateClient(AwsEndpoints endpoints, IServiceProvider provider)
    {
        if (endpoints.For(Service).IsLocal)
        {
            return provider.GetRequiredService<LocalDynamoDb>().CreateClient();
        }

        var config = new AmazonDynamoDBConfig();
        endpoints.Configure(config, Service, endpoints.Credentials?.Region);
        return endpoints.CredentialsFor(Service) is { } credentials ? new AmazonDynamoDBClient(credentials, config) : new AmazonDynamoDBClient(config);
    }
}
