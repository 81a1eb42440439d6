using System.Text;
using System.Text.RegularExpressions;
using Workflow.App.Configuration;
using Workflow.Cloud.Objects;

namespace Workflow.App.Pipelines;

/// <summary>Checks that the inputs of several pipelines share.</summary>
internal static partial class Inputs
{
    // What PostgreSQL keeps of a name.
    private const int LongestName = 63;
    private static readonly string[] Schemes = ["local", "s3", "az"];

    /// <summary>Null passes: where it is needed is for others to say.</summary>
    public static void CheckAddress(string name, string? address, string example, Func<string, string> key, SettingErrors errors)
    {
        if (address is not null && (!ObjectAddress.TryParse(address, out var parsed) || !Schemes.Contains(parsed.Scheme)))
        {
            errors.Add(key(name), address, $"write the address of an object, for example {example}");
        }
    }

    public static void CheckName(string name, string value, string what, Func<string, string> key, SettingErrors errors)
    {
        if (value.Length == 0)
        {
            errors.Add(key(name), null, $"name {what}");
        }
        else if (Encoding.UTF8.GetByteCount(value) > LongestName || value.Contains('\0'))
        {
            errors.Add(key(name), value, $"name {what} with at most {LongestName} bytes");
        }
    }

    /// <summary>None passes.</summary>
    public static void CheckDynamoDbTable(string name, string? table, Func<string, string> key, SettingErrors errors)
    {
        if (!string.IsNullOrEmpty(table) && !DynamoDbTables().IsMatch(table))
        {
            errors.Add(key(name), table, "name a DynamoDB table with 3 to 255 of a-z, A-Z, 0-9, - _ and .");
        }
    }

    public static void CheckRange(string name, int value, int most, Func<string, string> key, SettingErrors errors)
    {
        if (value < 1 || value > most)
        {
            errors.Add(key(name), $"{value}", $"write a number from 1 to {most}");
        }
    }

    public static void CheckSpan(string name, TimeSpan value, TimeSpan most, Func<string, string> key, SettingErrors errors)
    {
        if (value <= TimeSpan.Zero || value > most)
        {
            errors.Add(key(name), $"{value:c}", $"write a time span above 0, up to {most:c}");
        }
    }

    /// <summary>Null passes.</summary>
    public static void CheckTopic(string name, string? arn, Func<string, string> key, SettingErrors errors)
    {
        if (arn is not null && !Topics().IsMatch(arn))
        {
            errors.Add(key(name), arn, "write the ARN of an SNS topic, for example arn:aws:sns:us-east-1:000000000000:runs");
        }
    }

    [GeneratedRegex("^[a-zA-Z0-9_.-]{3,255}$")]
    private static partial Regex DynamoDbTables();

    [GeneratedRegex(@"^arn:aws(-[a-z]+)*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,251}(\.fifo)?$")]
    private static partial Regex Topics();
}
