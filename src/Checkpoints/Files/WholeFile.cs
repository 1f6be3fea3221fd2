using Microsoft.Win32.SafeHandles;

namespace Loadline.Checkpoints.Files;

/// <summary>Files that are there as a whole or not at all.</summary>
internal static class WholeFile
{
    /// <summary>Makes sure, before there is anything to lose, that a file can be written.</summary>
    /// <exception cref="IOException">It cannot.</exception>
    public static void RefuseUnwritable(string path)
    {
        var whole = Path.GetFullPath(path);
        if (Directory.Exists(whole)) throw new TakenNameException($"{path}: is a folder: name a file in it");
        if (WhyNoFile(path) is { } whyNot) throw new TakenNameException($"{path}: {whyNot}: name a file");
        var pending = new PendingPath(whole);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
            new OutputFile(pending.Temporary, path, neededBytes: 0).Dispose();
        }
        catch (Exception e) when (IsUnexplained(e))
        {
            throw DiskSpace.Explain(path, 0, e);
        }
        finally
        {
            pending.RemoveFile();
        }
    }

    /// <summary>All bytes of a file. A pipe or a device would keep us waiting, or never end.</summary>
    /// <exception cref="IOException">It is none, or cannot be read; the message does not name it.</exception>
    public static byte[] Read(string path)
    {
        using var handle = OpenFile(path);
        var length = RandomAccess.GetLength(handle);
        if (length > Array.MaxLength) throw new IOException("is too long to be read as a whole");
        // No more than its length: a device such as /dev/zero has none, and no end.
        var bytes = new byte[length];
        var count = 0;
        while (count < bytes.Length && RandomAccess.Read(handle, bytes.AsSpan(count), count) is var read and > 0) count += read;
        return count == bytes.Length ? bytes : bytes[..count];
    }

    // Looked at once it is open: under its name another may stand by then, for which one would wait.
    private static SafeFileHandle OpenFile(string path)
    {
        SafeFileHandle? handle = null;
        try
        {
            handle = SourceFile.OpenHandle(path);
            FileVersion.Of(path, handle);
            return handle;
        }
        catch (CheckpointException e)
        {
            handle?.Dispose();
            throw e.Error == CheckpointError.NotFound ? new FileNotFoundException(e.Problem, path) : new IOException(e.Problem);
        }
    }

    /// <summary>Why a file can neither be written to nor read as a whole; null where nothing is there, or it can. Asked without waiting.</summary>
    public static string? WhyNoFile(string path)
    {
        // Of what cannot be opened at all, whoever opens it says why.
        if (!File.Exists(path)) return null;
        try
        {
            using var handle = SourceFile.OpenHandle(path);
            FileVersion.Of(path, handle);
            return null;
        }
        catch (CheckpointException e) when (e.InnerException is not null)
        {
            return "is no regular file (a pipe or a device)";
        }
        catch (CheckpointException)
        {
            return null;
        }
    }

    /// <summary>
    /// Writes a file, and the folder that it lies in; nothing half-written ever stands under its name, and no link that somebody planted is followed: a
    /// link under the final name gives way to the file. A file that is replaced leaves its permissions to the new one.
    /// </summary>
    /// <exception cref="IOException">The path cannot be written; for a full disk the message has the bytes needed and free.</exception>
    public static void Write(string path, ReadOnlySpan<byte> contents) => Write(path, contents.Length, contents, static (pending, path, contents) =>
    {
        using var output = new OutputFile(pending.Temporary, path, contents.Length, pending.Permissions);
        output.Write(contents);
        output.Complete();
    });

    /// <summary><see cref="Write(string, ReadOnlySpan{byte})"/> of what is too large for memory.</summary>
    /// <param name="path">The file.</param>
    /// <param name="neededBytes">About what is to be written in all, for the error of a full disk.</param>
    /// <param name="write">Writes it, front to back.</param>
    /// <exception cref="IOException">As there.</exception>
    public static void Write(string path, long neededBytes, Action<Stream> write) =>
        Write(path, neededBytes, (neededBytes, write), static (pending, path, contents) =>
            Fill(new OutputFile(pending.Temporary, path, contents.neededBytes, pending.Permissions), contents.write));

    /// <summary>What has to wait on the disk of a file to be, for reading: it has no name there, so that nothing is left of it even by a kill.</summary>
    /// <param name="path">That file.</param>
    /// <param name="neededBytes">About what is to be written, for the error of a full disk.</param>
    /// <param name="write">Writes it, front to back.</param>
    /// <exception cref="IOException">It cannot be written; the message has the file's name.</exception>
    public static Stream Scratch(string path, long neededBytes, Action<Stream> write)
    {
        FileStream? scratch = null;
        try
        {
            scratch = OutputFile.Nameless(new PendingPath(Path.GetFullPath(path)).Temporary);
            Fill(new OutputFile(new SafeFileHandle(scratch.SafeFileHandle.DangerousGetHandle(), ownsHandle: false), path, neededBytes), write);
            scratch.Position = 0;
            return scratch;
        }
        catch (Exception e) when (IsUnexplained(e))
        {
            scratch?.Dispose();
            throw DiskSpace.Explain(path, neededBytes, e);
        }
        catch
        {
            scratch?.Dispose();
            throw;
        }
    }

    private static void Fill(OutputFile file, Action<Stream> write)
    {
        using var output = file;
        using (var stream = new OutputStream(output)) write(stream);
        output.Complete();
    }

    private static void Write<TContents>(string path, long neededBytes, TContents contents, Action<PendingPath, string, TContents> write)
        where TContents : allows ref struct
    {
        var whole = Path.GetFullPath(path);
        var pending = new PendingPath(whole);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(whole)!);
            write(pending, path, contents);
            pending.CommitFile();
        }
        catch (Exception e) when (IsUnexplained(e))
        {
            throw DiskSpace.Explain(path, neededBytes, e);
        }
        finally
        {
            pending.RemoveFile();
        }
    }

    // What OutputFile throws says all that is to be said.
    private static bool IsUnexplained(Exception e) => e is UnauthorizedAccessException || (e is IOException && e.InnerException is null);
}
