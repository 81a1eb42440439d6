using System.Text.RegularExpressions;

namespace Workflow.App.Configuration;

/// <summary>The section <c>Outbound</c>: which closed addresses may be called all the same.</summary>
internal sealed partial record OutboundSettings
{
    public const string Section = "Outbound";

    /// <summary>Host names, <c>*.suffix</c>, addresses and networks.</summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    public static OutboundSettings Load(IConfiguration sources, SettingErrors errors)
    {
        var settings = SettingsReader.Read<OutboundSettings>(SettingsReader.ToJson(sources.GetSection(Section)), Section, errors);
        foreach (var entry in settings.Allow.Where(entry => !Hosts().IsMatch(entry) && !System.Net.IPNetwork.TryParse(entry, out _) && !System.Net.IPAddress.TryParse(entry, out _)))
        {
            errors.Add($"{Section}:{nameof(Allow)}", entry, "write a host name, *.example.com, an address, or a network such as 10.20.0.0/16");
        }

        return settings;
    }

    [GeneratedRegex(@"^(\*\.)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*$")]
    private static partial Regex Hosts();
}
