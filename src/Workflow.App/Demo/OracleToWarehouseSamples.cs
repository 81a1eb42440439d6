using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;
using Workflow.Cloud.Local;

namespace Workflow.App.Demo;

/// <summary>
/// What DMS would have written of two Oracle tables: a full load, and files of changes with many changes of one key, deletes, a row that
/// comes back, a change that comes late, a text beyond the limit, and a row that no table can take. The stand-in for DMS has the task.
/// </summary>
internal static class OracleToWarehouseSamples
{
    private const int Employees = 400;
    private const int Departments = 9;
    private const int LongText = 40_000;
    private const string Task = "hr";
    private const string Header = "Op,AR_H_CHANGE_SEQ,EMPLOYEE_ID,NAME,EMAIL,HIRED,SALARY,DEPARTMENT_ID,RESUME\n";

    private const string Ddl = """
        CREATE TABLE "HR"."DEPARTMENTS" (
          "DEPARTMENT_ID" NUMBER(4,0) NOT NULL ENABLE,
          "NAME" VARCHAR2(30 CHAR) NOT NULL ENABLE,
          CONSTRAINT "DEPARTMENTS_PK" PRIMARY KEY ("DEPARTMENT_ID") USING INDEX TABLESPACE "USERS" ENABLE
        ) SEGMENT CREATION IMMEDIATE TABLESPACE "USERS";

        CREATE TABLE "HR"."EMPLOYEES" (
          "EMPLOYEE_ID" NUMBER(6,0),
          "NAME" VARCHAR2(60 CHAR),
          "EMAIL" VARCHAR2(254),
          "HIRED" DATE DEFAULT SYSDATE,
          "SALARY" NUMBER(8,2),
          "DEPARTMENT_ID" NUMBER(4,0),
          "RESUME" CLOB,
          CONSTRAINT "EMPLOYEES_PK" PRIMARY KEY ("EMPLOYEE_ID"),
          CONSTRAINT "EMPLOYEES_DEPARTMENT_FK" FOREIGN KEY ("DEPARTMENT_ID") REFERENCES "HR"."DEPARTMENTS" ("DEPARTMENT_ID")
        );
        COMMENT ON TABLE "HR"."EMPLOYEES" IS 'Made up';

        """;

    public static async Task<IReadOnlyList<SampleRun>> PrepareAsync(SampleTarget target, CancellationToken cancellation)
    {
        await target.WriteAsync("local://oracle/hr.sql", Encoding.UTF8.GetBytes(Ddl), cancellation);
        await target.WriteAsync("local://dms/HR/DEPARTMENTS/LOAD00000001.csv", Encoding.UTF8.GetBytes(LoadOfDepartments()), cancellation);
        await target.WriteAsync("local://dms/HR/EMPLOYEES/LOAD00000001.csv.gz", Gzip(LoadOfEmployees()), cancellation);
        await target.WriteAsync("local://dms/HR/EMPLOYEES/20260131-101500000.csv", Encoding.UTF8.GetBytes(Changes()), cancellation);
        await target.WriteAsync("local://dms/HR/EMPLOYEES/20260131-101600000.csv", Encoding.UTF8.GetBytes(LateChanges()), cancellation);

        var dms = new LocalDms(target.Data.Path, TimeProvider.System);
        await dms.PutTaskAsync(
            new(Task, "full-load-and-cdc", Ends: null, Seconds: 0.5) { Tables = [new("HR", "DEPARTMENTS", Departments), new("HR", "EMPLOYEES", Employees, Inserts: 4, Updates: 62, Deletes: 21)] },
            cancellation);
        return [new("oracle-to-warehouse", new JsonObject { ["replicationTask"] = LocalDms.TaskArn(Task), ["pollEvery"] = "00:00:00.5000000" })];
    }

    private static string LoadOfDepartments() =>
        "DEPARTMENT_ID,NAME\n" + string.Concat(Enumerable.Range(1, Departments).Select(id => $"{id * 10},{SampleNames.Of(id)} & Co\n"));

    private static string LoadOfEmployees() =>
        "EMPLOYEE_ID,NAME,EMAIL,HIRED,SALARY,DEPARTMENT_ID,RESUME\n" + string.Concat(Enumerable.Range(1, Employees).Select(id => $"{Employee(id, 3_000)}\n"));

    /// <summary>Every tenth gets two raises, every twentieth leaves, and one of those comes back.</summary>
    private static string Changes()
    {
        var csv = new StringBuilder(Header);
        var sequence = 0;
        for (var id = 10; id <= Employees; id += 10)
        {
            Add('U', Employee(id, 3_500));
            Add('U', Employee(id, 4_000));
            if (id % 20 == 0)
            {
                Add('D', Employee(id, 4_000));
            }
        }

        Add('I', Employee(20, 5_000));
        Add('I', $"{Employees + 1},{SampleNames.Of(Employees + 1)},new@example.com,2026-01-31 00:00:00,3000.00,10,{new string('x', LongText)}");
        Add('I', $"{Employees + 2},{SampleNames.Of(Employees + 2)},new@example.com,2026-01-31 00:00:00,much,10,NULL");
        return csv.ToString();

        void Add(char operation, string row) => csv.Append(CultureInfo.InvariantCulture, $"{operation},{20260131101500 + (++sequence / 10)}{sequence:D21},{row}\n");
    }

    /// <summary>Older than what the file before it has: nothing of it may take effect but the row nobody has spoken of since.</summary>
    private static string LateChanges() =>
        $"{Header}U,20260131100000{0:D21},{Employee(10, 1)}\nI,20260131100000{1:D21},{Employee(40, 1)}\nU,20260131100000{2:D21},{Employee(11, 3_100)}\n";

    private static string Employee(int id, int salary) => string.Create(CultureInfo.InvariantCulture,
        $"{id},{SampleNames.Of(id)},{SampleNames.Of(id)}.{id}@example.com,{new DateTime(2020, 1, 1).AddDays(id * 5):yyyy-MM-dd HH:mm:ss},{salary + id * 7 % 1_000}.00,{(id % Departments + 1) * 10},{(id % 3 == 0 ? "NULL" : "made up")}");

    private static byte[] Gzip(string text)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal))
        {
            gzip.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }
}
