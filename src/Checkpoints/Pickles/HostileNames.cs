using System.Collections.Frozen;

namespace Loadline.Checkpoints.Pickles;

/// <summary>
/// Names that no checkpoint needs and that a pickle made to do harm has: what runs commands, imports, opens files or sockets, or evaluates text. Naming one
/// does nothing here; a file that does so is refused all the same, because another program would run it.
/// </summary>
internal static class HostileNames
{
    // Packages, whatever is named in them or below.
    private static readonly FrozenSet<string> Packages = FrozenSet.ToFrozenSet([
        "os", "importlib", "ctypes", "cffi", "multiprocessing", "asyncio", "concurrent", "http", "urllib2", "urllib3", "requests", "aiohttp", "xmlrpc",
        "distutils", "setuptools", "pip", "ensurepip", "venv", "idlelib", "lib2to3", "sqlite3", "dill", "cloudpickle", "joblib", "unittest", "wsgiref", "yaml", "jsonpickle", "numexpr",
    ]);

    // Modules that are one file. People's own packages are called code and trace as well: what lies below one of these is theirs.
    private static readonly FrozenSet<string> Modules = FrozenSet.ToFrozenSet([
        "posix", "nt", "ntpath", "posixpath", "subprocess", "_posixsubprocess", "commands", "popen2", "sys", "imp", "runpy", "pkgutil", "zipimport", "shutil", "socket",
        "_socket", "socketserver", "ssl", "select", "selectors", "_ctypes", "pty", "tty", "code", "codeop", "webbrowser", "bdb", "pdb", "cProfile", "profile", "trace",
        "timeit", "doctest", "pydoc", "inspect", "gc", "atexit", "threading", "_thread", "tempfile", "fileinput", "linecache", "mmap", "marshal", "pickle", "_pickle",
        "cPickle", "shelve", "httplib", "ftplib", "smtplib", "telnetlib", "poplib", "imaplib", "xmlrpclib", "site", "rlcompleter", "readline", "winreg", "_winapi",
        "msvcrt", "crypt", "antigravity", "this", "logging.config", "zipfile", "tarfile", "gzip", "bz2", "lzma", "_aix_support", "_pyio", "mailcap", "nntplib", "tokenize",
    ]);

    // No class and no function is called so: who names one means the module, out of another one that imports it.
    private static readonly FrozenSet<string> ImportedModules = FrozenSet.ToFrozenSet([
        "os", "sys", "subprocess", "posix", "nt", "builtins", "importlib", "ctypes", "multiprocessing", "shutil", "socket", "pickle", "cPickle", "marshal", "runpy",
        "posixsubprocess", "webbrowser", "tempfile", "threading", "asyncio", "pty", "pdb", "urllib2", "pkgutil", "ftplib", "smtplib", "telnetlib",
    ]);

    // What one of their members does with the container that it is handed, as OrderedDict.update, is no data; by whatever module they are found.
    private static readonly FrozenSet<string> ContainerClasses = FrozenSet.ToFrozenSet([
        "dict", "list", "set", "bytearray", "OrderedDict", "Counter", "defaultdict", "deque", "ChainMap", "UserDict", "UserList", "MutableMapping", "MutableSequence", "MutableSet",
        "Mapping", "Dict", "List", "Set", "DefaultDict", "Deque",
    ]);

    // What PyTorch, NumPy and modules that are harmless otherwise load, compile, evaluate or open with, by the beginning of the name.
    private static readonly string[] Prefixes =
    [
        "torch.load", "torch.save", "torch.compile", "torch.hub.", "torch.jit.", "torch.package.", "torch.serialization.", "torch.storage._load_from_bytes",
        "torch.utils.cpp_extension.", "torch.utils.model_zoo.", "torch.utils.collect_env.", "torch.utils.bottleneck.", "torch._dynamo.", "torch._inductor.", "torch.export.",
        "torch.ops", "torch._ops.", "torch.classes", "torch.fx.", "torch.multiprocessing.", "torch.distributed.rpc.", "torch.distributed.TCPStore", "torch.distributed.FileStore", "torch._C._distributed_c10d.", "torch.testing.", "torch._C.import_ir_module", "torch._C._load_for_lite_interpreter",
        "numpy.load", "numpy.f2py.", "numpy.distutils.", "numpy.ctypeslib.", "numpy.testing.", "numpy.lib.npyio.", "numpy.lib._npyio_impl.", "numpy.lib.format.", "numpy.fromfile", "numpy.save", "numpy.savez", "numpy.savez_compressed", "numpy.savetxt", "numpy.loadtxt", "numpy.genfromtxt",
        "types.FunctionType", "types.LambdaType", "types.CodeType", "types.MethodType", "types.ModuleType", "io.open", "io.open_code", "io.OpenWrapper", "io.FileIO",
        "_io.open", "_io.open_code", "_io.FileIO", "codecs.open", "six.moves.",
        "copyreg.add_extension", "functools.reduce", "urllib.request.", "typing._eval_type", "dataclasses._create_fn", "uuid._get_command_stdout", "weakref.finalize",
        "contextvars.Context.run", "pandas.eval", "pandas.read_pickle", "sympy.sympify",
    ];

    // The types among Python's builtins. Everything else there is a function or makes one.
    private static readonly FrozenSet<string> DataTypes = FrozenSet.ToFrozenSet([
        "object", "int", "long", "float", "complex", "bool", "str", "unicode", "basestring", "bytes", "bytearray", "list", "tuple", "dict", "set", "frozenset", "range",
        "xrange", "slice", "type", "NoneType", "Ellipsis", "NotImplemented", "StopIteration", "KeyboardInterrupt",
    ]);

    /// <summary>Whether a checkpoint that names it is refused.</summary>
    /// <param name="module">The module, under Python 3's name: <see cref="OldNames"/>.</param>
    /// <param name="name">The name in it, which may be dotted.</param>
    public static bool Contains(string module, string name)
    {
        if (module == "builtins") return !DataTypes.Contains(name) && !IsException(name);
        var dot = module.IndexOf('.', StringComparison.Ordinal);
        if (Packages.Contains(dot < 0 ? module : module[..dot]) || Modules.Contains(module)) return true;
        // A path is data, what its class does with files is not.
        if ((module == "pathlib" || module.StartsWith("pathlib.", StringComparison.Ordinal)) && name.Contains('.')) return true;
        if (LeadsThroughOthers(name)) return true;
        // An attribute such as __globals__ leads from any class to all that its module imports.
        if (name.Contains("__", StringComparison.Ordinal) && name.Split('.') is [_, _, ..] parts && parts.Any(p => p.StartsWith("__", StringComparison.Ordinal))) return true;
        var whole = module + "." + name;
        // Where a nested tensor's sizes may lie, in a module of which the rest compiles.
        if (whole == "torch._dynamo.decorators._DimRange") return false;
        return Array.Exists(Prefixes, prefix => whole.StartsWith(prefix, StringComparison.Ordinal)
            && (prefix[^1] == '.' || whole.Length == prefix.Length || whole[prefix.Length] == '.'));
    }

    // Some seventy classes, and nothing else there is called so.
    private static bool IsException(string name) => !name.Contains('.')
        && (name.EndsWith("Error", StringComparison.Ordinal) || name.EndsWith("Warning", StringComparison.Ordinal) || name.EndsWith("Exception", StringComparison.Ordinal));

    // A dotted name is looked up part by part: random's _os.system is os.system.
    private static bool LeadsThroughOthers(string name)
    {
        var rest = name.AsSpan();
        for (var dot = rest.IndexOf('.'); ; dot = rest.IndexOf('.'))
        {
            var part = (dot < 0 ? rest : rest[..dot]).TrimStart('_');
            if (ImportedModules.GetAlternateLookup<ReadOnlySpan<char>>().Contains(part)) return true;
            if (dot < 0) return false;
            // What begins with a capital is a class of somebody's own.
            if (rest[(dot + 1)..] is [>= 'a' and <= 'z', ..] && ContainerClasses.GetAlternateLookup<ReadOnlySpan<char>>().Contains(part)) return true;
            if (Packages.GetAlternateLookup<ReadOnlySpan<char>>().Contains(part) || Modules.GetAlternateLookup<ReadOnlySpan<char>>().Contains(part)) return true;
            rest = rest[(dot + 1)..];
        }
    }

    /// <summary>Whether a call of it is refused: what makes functions of other functions has no place in data, its name alone may have one.</summary>
    public static bool ContainsCall(string name)
    {
        // An array that lay in a file names its class, and a call of it opens one.
        if (name is "collections._itemgetter" or "collections._tuplegetter" or "numpy.memmap" or "numpy.core.memmap.memmap" or "numpy._core.memmap.memmap") return true;
        // Of a function that the pickle names as well, and calls nothing: models keep their layers' classes so.
        if (name == "functools.partial") return false;
        // Also by way of a module that imports it, as typing.operator.
        foreach (var part in name.Split('.').SkipLast(1))
        {
            if (part.TrimStart('_') is "operator" or "functools") return true;
        }

        return false;
    }
}
