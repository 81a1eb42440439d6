namespace Workflow.App.Tests.Pipelines;

/// <summary>Three kinds of customers, told by their id modulo 3: those of kind 0 spend least, those of kind 2 most.</summary>
internal static class SegmentCustomersWarehouse
{
    public static object Options { get; } = new { users = "users", crm = "crm", output = "local://segments/", clusters = 3, date = "2026-01-31", slack = "local:etl" };

    public static Task FillAsync(Installation installation) => installation.ExecuteAsync("""
        create table users as
        select g::text as user_id, 20 + 20 * (g % 3) + g % 5 as age, case g % 3 when 1 then 'f' else 'm' end as gender, true as is_active
        from generate_series(1, 120) g;
        create table crm as
        select g as user_id, (100 + 1000 * (g % 3) + g % 7)::numeric(12, 2) as total_spend, date '2026-01-31' - (10 + 100 * (g % 3) + g % 4) as last_purchase_date,
            (array['Books', 'Clothing', 'Electronics'])[1 + g % 3] as product_category
        from generate_series(1, 120) g
        """);
}
