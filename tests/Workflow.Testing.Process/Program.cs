// A process that uses the embedded PostgreSQL, for the tests that start several and kill some:
// prints the connection string once the server is up, and leaves in good order when its input closes.
using Microsoft.Extensions.Logging.Abstractions;
using Workflow.Cloud.Local;

try
{
    await using var postgres = await LocalPostgres.StartAsync(args[0], TimeProvider.System, NullLogger.Instance, CancellationToken.None);
    Console.WriteLine(postgres.ConnectionString);
    await Console.In.ReadToEndAsync();
    return 0;
}
catch (Exception refused) when (refused is LocalPartMissingException or InvalidOperationException)
{
    Console.Error.WriteLine(refused.Message);
    return 1;
}
