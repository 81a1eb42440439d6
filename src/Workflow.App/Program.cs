using System.CommandLine;
using Workflow.App.Commands;

var workflow = new RootCommand("Durable ETL pipelines: a service, and the tool that steers it.")
{
    ServeCommand.Create(),
    LambdaCommand.Create(),
    RunCommand.Create(),
    StatusCommand.Create(),
    ListCommand.Create(),
    HistoryCommand.Create(),
    TerminateCommand.Create(),
    SuspendCommand.Create(),
    ResumeCommand.Create(),
    RewindCommand.Create(),
    RaiseCommand.Create(),
    PurgeCommand.Create(),
    SchedulesCommand.Create(),
    BackfillCommand.Create(),
    BookmarksCommand.Create(),
    KeysCommand.Create(),
    AuditCommand.Create(),
    ConnectionCommand.Create(),
    ConvertSchemaCommand.Create(),
    DemoCommand.Create(),
    FunctionsCommand.Create(),
};
workflow.Options.Add(CommandLine.Data);

return await CommandLine.InvokeAsync(workflow, args);
