using System.Text;
using Workflow.Testing;

namespace Workflow.Data.Tests;

internal static class TempFolderFiles
{
    public static string Write(this TempFolder folder, string name, string text) => folder.Write(name, Encoding.UTF8.GetBytes(text));

    public static string Write(this TempFolder folder, string name, byte[] content)
    {
        File.WriteAllBytes(folder.File(name), content);
        return folder.File(name);
    }
}
