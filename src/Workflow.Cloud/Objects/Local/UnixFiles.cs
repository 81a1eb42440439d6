using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Workflow.Cloud.Objects.Local;

/// <summary>What the local store needs of a Unix file system and .NET does not offer.</summary>
internal static partial class UnixFiles
{
    /// <summary>Creates a folder and what is missing above it, so that it survives a loss of power.</summary>
    public static void CreateFolder(string folder)
    {
        if (Directory.Exists(folder))
        {
            return;
        }

        var parent = Path.GetDirectoryName(folder)!;
        CreateFolder(parent);
        Directory.CreateDirectory(folder);
        FlushFolder(parent);
    }

    /// <summary>A file's own flush does not cover its name: that is written in its folder.</summary>
    public static void FlushFolder(string folder)
    {
        using var handle = Open(folder, ReadOnly);
        if (handle.IsInvalid || FlushToDisk(handle) != 0)
        {
            throw new IOException($"The folder {folder} cannot be flushed: {LastError()}");
        }
    }

    /// <summary>Gives a file a second name where that name is free; the file system decides, in one step.</summary>
    /// <returns>False where the name is taken.</returns>
    public static bool TryLink(string existing, string name)
    {
        if (Link(existing, name) == 0)
        {
            return true;
        }

        return Marshal.GetLastPInvokeError() == AlreadyExists
            ? false
            : throw new IOException($"{name} cannot be linked: {LastError()}");
    }

    /// <summary>Tells a file from another that took its name: the inode number, where the system gives it.</summary>
    public static long Identity(FileInfo file)
    {
        if (!OperatingSystem.IsLinux())
        {
            return file.CreationTimeUtc.Ticks;
        }

        return Status(AtWorkingFolder, file.FullName, NoFollow, InodeOnly, out var status) == 0
            ? (long)status.Inode
            : throw new IOException($"{file.FullName} cannot be looked at: {LastError()}");
    }

    private static string LastError() => new Win32Exception(Marshal.GetLastPInvokeError()).Message;

    private const int ReadOnly = 0;
    private const int AlreadyExists = 17; // EEXIST, on Linux and macOS alike
    private const int AtWorkingFolder = -100;
    private const int NoFollow = 0x100;
    private const uint InodeOnly = 0x100;

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial SafeFileHandle Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int FlushToDisk(SafeFileHandle handle);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Link(string existing, string name);

    // statx, because its structure is the same on every processor.
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int Status(int folder, string path, int flags, uint mask, out FileStatus status);

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    private struct FileStatus
    {
        [FieldOffset(0x20)]
        public ulong Inode;
    }
}
