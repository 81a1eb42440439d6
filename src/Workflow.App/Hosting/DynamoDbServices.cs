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
        return services.AddSingleton(provider => CreateClient(provider.GetRequiredService<AwsEndpoints>().For(Service), provider));
    }

    private static IAmazonDynamoDB CreateClient(AwsEndpoint endpoint, IServiceProvider provider) => endpoint switch
    {
        { IsLocal: true } => provider.GetRequiredService<LocalDynamoDb>().CreateClient(),
        { Url: { } url } => new AmazonDynamoDBClient(new AmazonDynamoDBConfig { ServiceURL = url.ToString() }),
        _ => new AmazonDynamoDBClient(),
    };
}
