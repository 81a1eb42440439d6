namespace Workflow.App.Hosting;

/// <summary>What a service does besides answering its API.</summary>
[Flags]
internal enum ServiceRoles
{
    None = 0,

    /// <summary>Runs pipelines.</summary>
    Worker = 1,

    /// <summary>Watches for what starts pipelines.</summary>
    Triggers = 2,

    /// <summary>Is the data folder's service: others find it there.</summary>
    Announced = 4,

    /// <summary>Answers an Azure Functions host, whose Durable Task extension keeps the runs.</summary>
    Functions = 8,

    All = Worker | Triggers | Announced,
}

/// <param name="LogLevel">The least that is logged; null for what the configuration says.</param>
internal sealed record ServiceOptions(DataFolder Data, ListenAddresses Listen, ServiceRoles Roles, LogLevel? LogLevel = null);

/// <summary>Who this service is, as its record and its liveness say.</summary>
internal sealed record ServiceIdentity(string Id);
