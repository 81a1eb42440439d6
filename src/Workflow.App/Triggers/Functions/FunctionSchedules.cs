using Npgsql;
using Workflow.App.Configuration;
using Workflow.App.Triggers.Schedules;

namespace Workflow.App.Triggers.Functions;

/// <summary>Writes down when each schedule ticks next, before a timer of the host asks for the first time: that tick counts.</summary>
internal sealed class FunctionSchedules(Settings settings, ScheduleTable table, ILogger<FunctionSchedules> logger) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            foreach (var pipeline in settings.Pipelines.Where(pipeline => pipeline.Schedule is not null))
            {
                await table.AddAsync(ScheduleRow.Of(pipeline.Name, pipeline.Schedule!, await table.ClockAsync(stoppingToken)), stoppingToken);
            }
        }
        catch (NpgsqlException away)
        {
            logger.LogWarning(away, "The schedules could not be written down; each is when its timer comes.");
        }
    }
}
