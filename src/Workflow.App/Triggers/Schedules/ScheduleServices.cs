namespace Workflow.App.Triggers.Schedules;

/// <summary>What schedules need, whether this process watches them or only answers about them.</summary>
internal static class ScheduleServices
{
    public static IServiceCollection AddSchedules(this IServiceCollection services) =>
        services.AddSingleton<ScheduleTable>().AddSingleton<ScheduleTicker>();
}
