using Workflow.Bench;

return args switch
{
    ["durable", var workload, .. var rest] => await DurableBench.RunAsync(workload, rest),
    ["data", "csv-to-warehouse", .. var rest] => await WarehouseBench.RunAsync(rest),
    ["data", "merge-sources", .. var rest] => await MergeBench.RunAsync(rest),
    _ => Usage(),
};

static int Usage()
{
    Console.Error.WriteLine(
        """
        Usage: ./bench durable W1|W2|W3 [n] [concurrency] [--data DIR]
          W1  n orchestrations (2,000) of 5 activities one after the other, so many at a time (64)
          W2  n orchestrations (200) of 3 activities, one at a time
          W3  1 orchestration that fans out to n activities (10,000)
               ./bench data csv-to-warehouse [rows] [--data DIR]
          A generated file of so many rows (1,000,000) and 10 columns, loaded as new rows, then as updates; beside it psql's floor.
               ./bench data merge-sources [rows] [reads] [--data DIR]
          A JSON file and a table of so many rows each (1,000,000), read by so many connections (4), joined into a CSV file.
        One JSON line per workload on stdout.
        """);
    return 2;
}
