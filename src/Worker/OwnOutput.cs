using Microsoft.Win32.SafeHandles;

namespace Loadline.Worker;

/// <summary>
/// Standard output, for the worker's lines alone. It gets a descriptor of its own that no child inherits, and number 1 stands for standard error from then on:
/// what a library prints (oneDNN, a driver, a module) is neither taken for a line of the worker's, nor runs into one.
/// </summary>
/// <remarks>It keeps words apart, not enemies: code in this process can write to any of its descriptors. docs/threat-model.md says what follows.</remarks>
internal static class OwnOutput
{
    private const int Output = 1;
    private const int Errors = 2;

    /// <summary>The first number that is none of the standard streams'.</summary>
    private const int FirstFree = 3;

    /// <summary>Takes it over, before anything is loaded that could print. Where there is no standard output, as after <c>&gt;&amp;-</c>, nobody hears the lines.</summary>
    public static Stream Take()
    {
        var file = Libc.fcntl(Output, Libc.DuplicateCloseOnExec, FirstFree);
        if (file.IsInvalid) return Stream.Null;
        if (Libc.dup2(Errors, Output) < 0)
        {
            // There is no standard error. A number that stands for nothing would be the next file's that is opened, and what is printed would go there.
            using var nowhere = new SafeFileHandle(Libc.open("/dev/null", Libc.OpenWriteOnly | Libc.OpenCloseOnExec), ownsHandle: true);
            _ = Libc.dup2(nowhere, Output);
        }

        return new DescriptorStream(file, "standard output");
    }
}
