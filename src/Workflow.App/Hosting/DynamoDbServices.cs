using Amazon.DynamoDBv2;
using Workflow.Cloud.Local;

namespace Workflow.App.Hosting;

/// <summary>DynamoDB as <c>Aws:Endpoints:DynamoDB</c> selects it. Nothing is started or reached until it is used.</summary>
internal static class DynamoDbServices
{
    private const string Selection = "Aws:Endpoints:DynamoDB";

    public static IServiceCollection AddDynamoDb(this IServiceCollection services, DataFolder data)
    {
        services.AddSingleton(provider => new LocalDynamoDb(data.Path, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<LocalDynamoDb>>()));
        return services.AddSingleton(provider => CreateClient(provider.GetRequiredService<IConfiguration>()[Selection], provider));
    }

    private static IAmazonDynamoDB CreateClient(string? selected, IServiceProvider provider) => selected switch
    {
        "local" => provider.GetRequiredService<LocalDynamoDb>().CreateClient(),
        null or "" or "aws" => new AmazonDynamoDBClient(),
        _ => new AmazonDynamoDBClient(new AmazonDynamoDBConfig { ServiceURL = selected }),
    };
}
