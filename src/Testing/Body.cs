using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.Loader;

namespace Loadline.Testing;

/// <summary>A delegate as a child process can find it again: by its place in the assembly's metadata.</summary>
/// <param name="Assembly">The assembly's path.</param>
/// <param name="Module">The module's own id: another build of the assembly has other places.</param>
/// <param name="Method">The method's metadata token.</param>
/// <param name="Argument">What to call it with; null calls it without.</param>
internal sealed record Body(string Assembly, Guid Module, int Method, string? Argument)
{
    /// <summary>As arguments of a command line; <see cref="Parse"/> reads them.</summary>
    public IEnumerable<string> CommandLine =>
    [
        Assembly, Module.ToString(), Method.ToString(CultureInfo.InvariantCulture), .. Argument is null ? Array.Empty<string>() : [Argument],
    ];

    /// <summary>Finds a delegate's place.</summary>
    /// <exception cref="ArgumentException">Another process cannot call it.</exception>
    public static Body Of(Delegate body, string? argument = null)
    {
        ArgumentNullException.ThrowIfNull(body);
        // Words of a command line end there.
        if (argument?.Contains('\0') == true) throw new ArgumentException("the text for the body has a NUL in it, which no process can be given", nameof(argument));
        var method = body.Method;
        if (body.Target is { } target && !IsEmptyClosure(target.GetType()))
        {
            throw new ArgumentException(
                "the body uses variables or the test's own instance, which its child process does not have: "
                + "write static () => …, or static text => … with a string to pass", nameof(body));
        }

        if (method.DeclaringType is not { ContainsGenericParameters: false, IsGenericType: false } || method.IsGenericMethod)
            throw new ArgumentException("the body stands in a generic class or method, which its child process cannot find: move it out", nameof(body));
        if (method.Module.Assembly.Location is not { Length: > 0 } path)
            throw new ArgumentException("the body's assembly was not loaded from a file: its child process cannot load it", nameof(body));
        return new Body(path, method.Module.ModuleVersionId, method.MetadataToken, argument);
    }

    /// <summary>Reads <see cref="CommandLine"/> back.</summary>
    public static Body Parse(string[] args) =>
        new(args[0], Guid.Parse(args[1]), int.Parse(args[2], CultureInfo.InvariantCulture), args.ElementAtOrDefault(3));

    /// <summary>Calls it here.</summary>
    public async Task InvokeAsync()
    {
        var module = AssemblyLoadContext.Default.LoadFromAssemblyPath(Assembly).ManifestModule;
        if (module.ModuleVersionId != Module) throw new InvalidOperationException($"{Assembly} was built anew while its test ran: run it again");
        var method = module.ResolveMethod(Method)!;
        // The compiler makes a lambda that captures nothing an instance method of a class without fields.
        var target = method.IsStatic ? null : Activator.CreateInstance(method.DeclaringType!, nonPublic: true);
        if (method.Invoke(target, BindingFlags.DoNotWrapExceptions, null, Argument is null ? null : [Argument], null) is Task task) await task;
    }

    private static bool IsEmptyClosure(Type type) =>
        type.IsDefined(typeof(CompilerGeneratedAttribute), inherit: false)
        && type.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Length == 0;
}
