namespace Payments.AllInOne.Embedded;

/// <summary>Files and directories that only their owner can read.</summary>
internal static class PrivatePath
{
    public static void CreateDirectory(string path) =>
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);

    /// <summary>Writes the whole file; readers see the old content or the new, never a part.</summary>
    public static async Task WriteAsync(string path, string content, CancellationToken cancellationToken)
    {
        var making = path + ".new";
        await using (var writer = new StreamWriter(making, new FileStreamOptions
        {
            Mode = FileMode.Create,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            await writer.WriteAsync(content.AsMemory(), cancellationToken);
        }

        File.Move(making, path, overwrite: true);
    }
}
